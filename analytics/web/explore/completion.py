"""What may stand at a place of a query: names of fields, or values that the newest rows have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics.web.lake.lake import Snapshot
from lakehouse.errors import LogpondError
from lakehouse.event.severity import LEVELS
from lakehouse.query import search
from lakehouse.query.search import fields
from lakehouse.query.search.fault import QueryFault
from lakehouse.query.search.fields import Field, Kind, attribute
from lakehouse.query.search.tokens import FORBIDDEN, named, unescaped, written
from lakehouse.query.search.typed import Typed, names, typed
from lakehouse.tables.catalog import LOGS

MOST, NEWEST_ROWS, LONGEST = 12, 200_000, 120
NO_KEY = "no line of the newest has an attribute whose name begins so"
FLAGS, CLASSES = ("true", "false"), ("2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True)
class Option:
    """A text that may stand there, and what it means or how many of the newest rows have it."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Fault:
    """What is wrong with the query as a whole, at which characters, and what would fit."""

    error: str
    remedy: str
    start: int
    end: int


@dataclass(frozen=True)
class Completion:
    """Each option replaces the characters `start` up to `end` of the query.

    `note` says why there is none, where somebody may wonder.
    """

    start: int
    end: int
    options: list[Option] = field(default_factory=list)
    note: str = ""
    fault: Fault | None = None


def complete(snapshot: Snapshot, query: str, at: int) -> Completion:
    """Options for what stands before the caret, and what is wrong with the query."""
    found = typed(query, at)
    key = None if found.field else _key(found.text)
    if found.field:
        options = _values(snapshot, found)
    else:
        options = _names(found.text) if key is None else _keys(snapshot, key)
    askable = [one for one in options if not FORBIDDEN.search(one.text)]
    note = NO_KEY if key is not None and not askable else ""
    return Completion(found.start, found.end, askable, note, _fault(query))


def _fault(query: str) -> Fault | None:
    try:
        search.parse(query)
    except QueryFault as fault:
        return Fault(fault.what, fault.remedy, fault.start, fault.end)
    return None


def _key(text: str) -> str | None:
    """What of an attribute's key is typed; None where it is none."""
    head, dot, key = text.partition(".")
    is_attribute = dot and fields.field(f"{head}.") is not None
    return unescaped(key.removeprefix('"')) if is_attribute else None


def _names(text: str) -> list[Option]:
    return [Option(f"{name}:", meaning) for name, meaning in names(text, MOST)]


def _keys(snapshot: Snapshot, begin: str) -> list[Option]:
    rows = _ask(
        snapshot,
        "SELECT key, count(*) AS n FROM (SELECT unnest(map_keys(attributes)) AS key FROM logs) "
        f"WHERE starts_with(lower(key), lower($begin)) AND strlen(key) <= {LONGEST} "
        f"GROUP BY key ORDER BY n DESC, key LIMIT {MOST}",
        {"begin": begin},
    )
    return [Option(named(attribute(row["key"])), f"{row['n']:,} rows") for row in rows]


def _values(snapshot: Snapshot, of: Typed) -> list[Option]:
    assert of.field
    begin, kind = of.text.lower(), of.field.kind
    fixed = {Kind.LEVEL: LEVELS, Kind.FLAG: FLAGS, Kind.STATUS: CLASSES}.get(kind, ())
    options = [Option(one) for one in fixed if one.lower().startswith(begin)]
    if kind in (Kind.WORD, Kind.ATTRIBUTE, Kind.STATUS):
        options += _top(snapshot, of.field, of.text)
    # what is there as it is needs no completion
    return [one for one in options if one.text != of.text][:MOST]


def _top(snapshot: Snapshot, of: Field, begin: str) -> list[Option]:
    """The values that most of the newest rows have, by their beginning."""
    dialect, given = search.bound("key")
    rows = _ask(
        snapshot,
        f"SELECT value, count(*) AS n FROM (SELECT {search.text(of, dialect)} AS value FROM logs) "
        f"WHERE starts_with(lower(value), lower($begin)) AND strlen(value) <= {LONGEST} "
        f"GROUP BY value ORDER BY n DESC, value LIMIT {MOST}",
        {**given, "begin": begin},
    )
    return [Option(written(row["value"]), f"{row['n']:,} rows") for row in rows]


def _ask(snapshot: Snapshot, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a question about the newest rows; none where they have too many values to count."""
    if snapshot.table(LOGS.name) is None:
        return []
    newest = snapshot.need(LOGS.name).newest_files("timestamp", NEWEST_ROWS)
    try:
        return snapshot.ask(sql, values, logs=newest)
    except LogpondError:
        return []
