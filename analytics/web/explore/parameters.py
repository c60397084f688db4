"""What a request to Explore asks for, read once: faults of a query are raised here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Query

from analytics.web.base.view import View
from analytics.web.explore.filters import ALL, FACETS, NONE, Cursor, Filters, span
from lakehouse.errors import SettingsError
from lakehouse.query import search
from lakehouse.query.search import edit, fields
from lakehouse.query.search.edit import LONGEST_TERM
from lakehouse.query.search.fields import Field
from lakehouse.query.search.parser import LONGEST
from lakehouse.query.search.tokens import quoted
from lakehouse.terminal import times

SPANS = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", ALL: "all"}
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
INSTANT = timedelta(microseconds=1)
MOST_FACETS, MOST_COLUMNS, LONGEST_LIST = 4, 8, 500
Text = Annotated[str, Query(max_length=200)]
Names = Annotated[str, Query(max_length=LONGEST_LIST)]
Term = Annotated[str, Query(max_length=LONGEST_TERM)]
Values = Annotated[list[Term], Query(max_length=50, default_factory=list)]


@dataclass(frozen=True)
class Fields:
    """Fields by choice: facets beside the usual ones, columns of the rows, groups of the chart."""

    facet: str
    show: str
    by: str

    @cached_property
    def facets(self) -> list[Field]:
        """Facets beside the usual ones."""
        found = edit.listed(self.facet, MOST_FACETS, "facet")
        return [field for field in found if field.name not in FACETS]

    @cached_property
    def columns(self) -> list[Field]:
        """What each row shows beside what it says."""
        return edit.listed(self.show, MOST_COLUMNS, "show")

    @cached_property
    def group(self) -> Field | None:
        """The field whose values the bars are made of."""
        return next(iter(edit.listed(self.by, 1, "by")), None)

    def checked(self) -> Fields:
        """The same, if all of them are fields; QueryFault where one is none."""
        _ = self.facets, self.columns, self.group
        return self


def chosen_fields(facet: Names = "", show: Names = "", by: Names = "") -> Fields:
    """Fields by choice of a request: names with blanks between them."""
    return Fields(facet, show, by)


@dataclass(frozen=True)
class Parameters:
    """The parameters of a request, as they were given."""

    values: dict[str, list[str]]
    query: str
    last: str
    since: str
    until: str
    before: str
    fields: Fields

    def filters(self, view: View) -> Filters:
        """The filters, with a time range that counts back from the moment of the view."""
        snapshot = view.snapshot
        oldest, newest = snapshot.event_times()
        first_to_end = span(self.last, self.since, self.until, oldest, newest, snapshot.now)
        return Filters(*first_to_end, self.values, search.parse(self.query, snapshot.now))

    def filters_of_any_time(self) -> Filters:
        """The filters without a time range."""
        return Filters(*EVER, self.values, search.parse(self.query, datetime.now(UTC)))

    @property
    def cursor(self) -> Cursor | None:
        """Where the page of rows begins."""
        return Cursor.read(self.before) if self.before else None

    @staticmethod
    def term(name: str, value: Any) -> str:
        """A value of a field as a term of the query; empty where no query can ask for it."""
        field = fields.field(name)
        if field is None or isinstance(value, list | dict):
            return ""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return edit.term(field, None if value == NONE else text)

    def named(self, name: str) -> str:
        """The name of a facet as a person writes it."""
        field = None if name in FACETS else fields.field(name)
        return edit.name_as_written(field) if field else name

    def fits(self, value: str) -> bool:
        """Whether a value of a usual facet can be a parameter of a link."""
        return 0 < len(value) <= LONGEST_TERM and "\x00" not in value

    def has(self, term: str) -> bool:
        """Whether the query has a term already."""
        return edit.has_term(self.query, term)

    def with_term(self, term: str) -> str:
        """The query with a term more, if it lacks it."""
        return edit.added(self.query, term)

    def toggled(self, term: str) -> str:
        """The query with a term more, or without it."""
        return edit.toggled(self.query, term)


def parameters(
    service: Values,
    endpoint: Values,
    status: Values,
    level: Values,
    bot: Values,
    fields: Annotated[Fields, Depends(chosen_fields)],
    query: Annotated[str, Query(max_length=LONGEST)] = "",
    q: Annotated[
        Text, Query(description="A text as it is; `query` is in the query language.")
    ] = "",
    add: Annotated[Term, Query(description="A term that the query has to have too.")] = "",
    last: Text = "15m",
    to: Text = "",
    before: Text = "",
    since: Annotated[str, Query(alias="from", max_length=64)] = "",
) -> Parameters:
    """The parameters of a request."""
    facets = {
        "service": service,
        "endpoint": endpoint,
        "status": status,
        "level": level,
        "bot": bot,
    }
    values = {name: [value for value in listed if value] for name, listed in facets.items()}
    asked = query.strip()
    # links of before there was a query language have a text
    for part in (quoted(q.strip()) if q.strip() else "", add.strip()):
        asked = edit.added(asked, part) if part else asked
    return Parameters(values, asked, last or "15m", since.strip(), to.strip(), before, fields)


Given = Annotated[Parameters, Depends(parameters)]


def around(at: datetime, within: str, choices: Collection[str]) -> tuple[datetime, datetime]:
    """The time to both sides of an instant, whose own rows are in it; SettingsError if odd."""
    if within not in choices:
        raise SettingsError(f"within: {within[:40]!r} is none", f"one of {', '.join(choices)}")
    reach, (oldest, newest) = times.length(within, "within"), EVER
    nearest = min(max(at, oldest + reach), newest - reach - INSTANT)
    return nearest - reach, nearest + reach + INSTANT


def checked(given: Given) -> Parameters:
    """The parameters of an answer without an end, whose faults are told before it begins."""
    given.fields.checked()
    given.filters_of_any_time().bound()
    return given


Checked = Annotated[Parameters, Depends(checked)]
