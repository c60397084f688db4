"""Counts what rules ask for: from closed minutes by one query, or from the rows of `logs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
from deltalake import DeltaTable

from anomaly.engine.incident import start_of
from anomaly.lake.counted import AT, counted, spans
from anomaly.rules.parts import MEMORY, Part, RuleFault, first_minute, minute_of
from anomaly.rules.rule import Rule
from anomaly.rules.tally import (
    NO_ROWS,
    FromMinutes,
    from_minutes,
    of_minutes,
    of_rows,
    tallies,
)
from lakehouse.duck import connect
from lakehouse.duck.view import Pinned
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import rows_by_day
from lakehouse.windows.count import within
from lakehouse.windows.horizon import horizon

# More rows of closed minutes at a time: fewer queries, and more memory.
AT_ONCE_ROWS = 4_000_000


def closed_range(closed: DeltaTable) -> range:
    """Returns the closed minutes, from the first day that is kept on; empty for none."""
    end, days = horizon(closed), rows_by_day(closed)
    if end is None or not days:
        return range(0)
    return range(first_minute(min(days)), minute_of(end))


def count_closed(
    places: Places, closed: DeltaTable, due: Mapping[Rule, int], end: int
) -> Iterator[Part | RuleFault]:
    """Counts from closed minutes: of each rule from its own minute on, some days at a time."""
    asked = {rule: found for rule in due if (found := from_minutes(rule))}
    if not asked or (begin := min(due[rule] for rule in asked)) >= end:
        return
    with connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        minutes = Pinned.of(MINUTES.name, places.table(MINUTES.name), closed)
        minutes.with_columns(MINUTES.columns).create_view(connection, MINUTES.name)
        for first, until in _days(closed, begin, end):
            for rule, how in asked.items():
                since = max(first, due[rule])
                if since < until:
                    yield _part(
                        connection, rule, _of_minutes(rule, how, since, until), since, until
                    )


def count_rows(
    places: Places, closed: DeltaTable, due: Mapping[Rule, int], end: int
) -> Iterator[Part | RuleFault]:
    """Counts from exactly the rows that closed minutes counted, an hour at a time."""
    asked = {
        rule: first for rule, first in due.items() if not (rule.table.query or from_minutes(rule))
    }
    if not asked or (begin := min(asked.values())) >= end:
        return
    with counted(places, closed) as rows:
        rows.connection.execute(f"SET memory_limit = '{MEMORY}'")
        at = dict(asked)
        for span in spans(closed, start_of(begin - 1)):
            until = min(minute_of(span.end), end)
            these = rows.rows(span)
            for rule, first in asked.items():
                if first < until:
                    minutes = f"(SELECT *, {AT} AS minute FROM {these})"
                    yield _part(rows.connection, rule, of_rows(rule, minutes), at[rule], until)
                    at[rule] = until
    for rule in asked:
        yield Part(rule, NO_ROWS, at[rule], end)


def count_logs(places: Places, rule: Rule, first: int, end: int) -> Iterator[Part | RuleFault]:
    """Counts from the rows that `logs` has now, the newest version, a day at a time."""
    logs = open_table(places, LOGS)
    with connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        pinned = Pinned.of(LOGS.name, places.table(LOGS), logs).with_columns(LOGS.columns)
        pinned.create_view(connection, LOGS.name)
        for since, until in _days(logs, first, end):
            where = within(start_of(since), start_of(until))
            rows = f"(SELECT *, {AT} AS minute FROM {LOGS.name} WHERE {where})"
            yield _part(connection, rule, of_rows(rule, rows), since, until)


def _part(
    connection: duckdb.DuckDBPyConnection, rule: Rule, query: str, first: int, end: int
) -> Part | RuleFault:
    try:
        return Part(rule, tallies(connection.sql(query).to_arrow_table()), first, end)
    except duckdb.Error as error:
        return RuleFault(rule, str(error).splitlines()[0][:200])


def _of_minutes(rule: Rule, how: FromMinutes, first: int, end: int) -> str:
    at = "epoch_us(window_start) // 60000000 AS minute"
    days = within(start_of(first), start_of(end)).replace("timestamp", "window_start")
    which = f"granularity = '{MINUTES.granularity}' AND {days}"
    rows = f"(SELECT *, {at} FROM {MINUTES.name} WHERE {which})"
    return of_minutes(rule, how, rows)


def _days(table: DeltaTable, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields minutes, cut at the ends of days, so that a part has a bounded number of rows."""
    so_far, since = 0, first
    for day, rows in rows_by_day(table).items():
        at = first_minute(day)
        if at + 1440 <= since:
            continue
        if at >= end:
            break
        if so_far and so_far + rows > AT_ONCE_ROWS and at > since:
            yield since, at
            so_far, since = 0, at
        so_far += rows
    if since < end:
        yield since, end
