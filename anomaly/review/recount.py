"""Counts the minutes of an incident again from `logs`: as it was when they closed, and now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from anomaly.engine.incident import Incident
from anomaly.lake.minutes import inert
from anomaly.lake.rows.folds import KINDS
from lakehouse import past
from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollup_sql import start
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.count import counting, within
from lakehouse.windows.horizon import stored

MINUTE = timedelta(minutes=1)
# An incident opens by five minutes: four before the one that opened it.
SPAN = 5 * MINUTE
REQUESTS = "request_count"
SUMS = (REQUESTS, "client_errors", "server_errors")
_Row = dict[str, Any]
_Counts = dict[datetime, _Row]


@dataclass(frozen=True)
class Recount:
    """A row a minute: `closed` as stored, `then` by `logs` at that version, `now` by `logs` now.

    `then` is None where that version of `logs` is gone.
    """

    counted: str
    minutes: list[dict[str, Any]]

    @property
    def columns(self) -> list[str]:
        """The names of the columns of a row."""
        return ["minute", "logs_version", "closed", "then", "now", "late"]

    def render(self) -> Iterator[str]:
        """Yields lines that say what the differences mean."""
        if not self.minutes:
            yield "no closed minute of it is kept"
            return
        there = [row for row in self.minutes if row["then"] is not None]
        if there:
            same = all(row["closed"] == row["then"] for row in there)
            verdict = "the same" if same else "SOMETHING ELSE: `logpond verify` says more"
            yield f"{self.counted}: `logs` at version {_versions(there)} gives {verdict}"
        if gone := [row for row in self.minutes if row["then"] is None]:
            yield (
                f"version {_versions(gone)} of `logs` is gone (a vacuum deleted files of it, or the"
                " log was trimmed): these minutes can be compared only with what `logs` holds now"
            )
        late = sum(row["late"] for row in self.minutes)
        yield f"{late:,} rows came late" if late >= 0 else f"{-late:,} rows were deleted since"


def recounted(places: Places, one: Incident) -> Recount:
    """Counts the minutes again, oldest first.

    Raises SettingsError for addresses, patterns and rules, which have none of their own.
    """
    if one.rule:
        raise SettingsError(
            "a rule has no closed minutes of its own to compare",
            "`logpond rule try` counts it again",
        )
    if one.measure in KINDS:
        raise SettingsError(
            f"{'an' if one.measure[0] == 'a' else 'a'} {one.measure} has no closed minutes of its "
            "own to compare",
            "`logpond analyze` counts it again from `logs`",
        )
    column = one.measure if one.measure.endswith("_errors") else REQUESTS
    closed = _closed(places, one)
    now = _counts(places, None, one, [*closed])
    minutes = [
        _row(at, closed[at], then[at] if then else None, now[at], column)
        for version, ats in _by_version(closed)
        for then in [_then(places, version, one, ats)]
        for at in ats
    ]
    return Recount(column.replace("_count", "s").replace("_", " "), minutes)


def _row(at: datetime, closed: _Row, then: _Row | None, now: _Row, column: str) -> dict[str, Any]:
    return {
        "minute": at,
        "logs_version": closed["logs_version"],
        "closed": closed[column],
        "then": then and then[column],
        "now": now[column],
        "late": now[REQUESTS] - closed[REQUESTS],
    }


def _closed(places: Places, one: Incident) -> dict[datetime, _Row]:
    """Returns minute -> stored counts of the key; zeros where only other keys have rows."""
    first = one.opened - SPAN + MINUTE
    kept = stored(open_table(places, MINUTES.name), MINUTES, MINUTES.granularity, first)
    rows = [r for r in kept.to_pylist() if first <= r["window_start"] <= one.last_breach]
    versions = {row["window_start"]: row["logs_version"] for row in rows}
    sums = _summed(((row["window_start"], row) for row in rows), one, [*versions])
    return {at: {**sums[at], "logs_version": versions[at]} for at in sorted(versions)}


def _by_version(closed: Mapping[datetime, _Row]) -> Iterator[tuple[int, list[datetime]]]:
    """Yields minutes that were counted from the same version of `logs`, together."""
    for version, ats in groupby(closed, key=lambda at: closed[at]["logs_version"]):
        yield version, list(ats)


def _then(places: Places, version: int, one: Incident, ats: list[datetime]) -> _Counts | None:
    try:
        return _counts(places, version, one, ats)
    except TableError:
        return None


def _counts(places: Places, version: int | None, one: Incident, ats: list[datetime]) -> _Counts:
    """Returns what a version of `logs` gives for these minutes, which follow each other."""
    if not ats:
        return {}
    sums = ", ".join(f"{each.counted} AS {each.name}" for each in MINUTES.sums if each.name in SUMS)
    at = f"make_timestamptz({start('timestamp', MINUTE)})"
    condition = within(min(ats), max(ats) + MINUTE)
    query = f"SELECT {at} AS at, service, endpoint, {sums} FROM logs WHERE {condition} GROUP BY ALL"
    with counting(places, past.state(places, LOGS.name, version)) as count:
        rows = count.connection.sql(query).to_arrow_table().to_pylist()
    return _summed(((row["at"], row) for row in rows), one, ats)


def _summed(
    rows: Iterable[tuple[datetime, Mapping[str, Any]]], one: Incident, ats: Sequence[datetime]
) -> _Counts:
    """Sums the rows of the key and its parts by minute."""
    summed: _Counts = {at: dict.fromkeys(SUMS, 0) for at in ats}
    for at, row in rows:
        if at in summed and _is_of(row, one):
            summed[at] = {name: summed[at][name] + row[name] for name in SUMS}
    return summed


def _is_of(row: Mapping[str, Any], one: Incident) -> bool:
    in_service = not one.service or inert(row["service"]) == one.service
    return in_service and (not one.endpoint or inert(row["endpoint"]) == one.endpoint)


def _versions(rows: list[dict[str, Any]]) -> str:
    found = sorted({row["logs_version"] for row in rows})
    return f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"
