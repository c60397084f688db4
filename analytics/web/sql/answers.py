"""Answers as pages and programs get them: columns, the first rows, what was read for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from analytics.web.base.view import View, moment_of
from analytics.web.explore.filters import span
from analytics.web.sql.asking import Answer, Questions
from analytics.web.sql.kept import LONGEST_STATEMENT
from lakehouse.errors import SettingsError, TableError
from lakehouse.terminal import bounded, render
from lakehouse.terminal.times import NOW, Moment

SHOWN, SHOWN_BYTES = 1000, 4 << 20
LAST = "24h"


class Asked(BaseModel):
    """A statement, at which moment of the lake it is asked, and its time range."""

    model_config = ConfigDict(populate_by_name=True)
    statement: str = Field(max_length=LONGEST_STATEMENT, description="One that reads, for DuckDB.")
    as_of: str = Field(
        "", max_length=64, description="A version of `logs`, a time, or -10m; newest where empty."
    )
    last: str = Field(
        LAST,
        max_length=64,
        description="How long `$from` is before `$to`, or `all`; it counts back from the newest "
        "event.",
    )
    since: Annotated[str, Field(alias="from", max_length=64, description="`$from`, a time.")] = ""
    until: Annotated[str, Field(alias="to", max_length=64, description="`$to`, a time.")] = ""


@dataclass(frozen=True)
class Column:
    """A column of an answer, by its type in Arrow's words."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its values stand to the right."""
        return self.type.startswith(("int", "uint", "float", "double", "decimal", "halffloat"))


@dataclass(frozen=True)
class Found:
    """An answer: its columns, the first of its rows, and how many it has.

    `rows_read` are what was taken out of files, after conditions that are checked while they are
    read; `bytes_read` are bytes of these files as they are stored, null where nobody counts them.
    """

    columns: list[Column]
    rows: list[list[Any]]
    row_count: int
    seconds: float
    as_of: datetime
    rows_read: int | None
    bytes_read: int | None

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than these."""
        return self.row_count > len(self.rows)

    @property
    def data(self) -> dict[str, Any]:
        """What a chart is drawn from."""
        return {"columns": [[c.name, c.type] for c in self.columns], "rows": self.rows}


def asked(view: View, given: Asked) -> tuple[Answer, datetime]:
    """Returns an answer, and the moment that it is of: a version is that of `logs`."""
    questions: Questions = view.request.app.state.questions
    snapshot = view.lake.at(moment_of(given.as_of.strip()))
    moment = NOW if snapshot.is_live else Moment(as_of=snapshot.now)
    times = times_of(view, given) if "$" in given.statement else {}
    return questions.ask(view.lake.places, view.who, given.statement, moment, times), snapshot.now


def times_of(view: View, given: Asked) -> Mapping[str, datetime]:
    """Returns what `from` and `to` are, as on the page Explore."""
    snapshot = view.lake.at(moment_of(given.as_of.strip()))
    try:
        oldest, newest = snapshot.event_times()
    except TableError as error:
        what = f"{error.what}, so a time range has no end"
        raise SettingsError(what, "ask without $from and $to") from None
    first, end = span(given.last, given.since, given.until, oldest, newest, snapshot.now)
    return {"from": first, "to": end}


def found(view: View, given: Asked, most: int = SHOWN) -> Found:
    """Returns the first rows of an answer as JSON has them, as many as fit into 4 MB.

    Raises SettingsError where the first one alone does not.
    """
    answer, at = asked(view, given)
    shown = bounded.first(answer.rows, most, SHOWN_BYTES)
    if answer.rows.num_rows and not shown:
        raise SettingsError(
            f"the first row alone is larger than {SHOWN_BYTES >> 20} MB, which is the most shown",
            "ask for fewer columns, or for a part of a text, left(message, 1000); a file has all",
        )
    rows = [[*row.values()] for row in shown]
    names = render.distinct(answer.rows.column_names)
    columns = [Column(n, str(t)) for n, t in zip(names, answer.rows.schema.types, strict=True)]
    read = answer.scanned
    rows_read, bytes_read = (read.rows, read.bytes) if read else (None, None)
    return Found(
        columns,
        rows,
        answer.rows.num_rows,
        round(answer.seconds, 3),
        at,
        rows_read,
        bytes_read,
    )
