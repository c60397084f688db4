"""Asks the statement of a rule, once a period, of the rows of that period alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
from deltalake import DeltaTable

from anomaly.engine.incident import start_of
from anomaly.lake.counted import Span, counted, spans
from anomaly.rules.fold import MOST_GROUPS
from anomaly.rules.parts import MEMORY, Part, RuleFault, minute_of
from anomaly.rules.rule import Rule
from anomaly.rules.tally import NO_ROWS, of_answer, tallies
from lakehouse.duck import connect
from lakehouse.duck.view import Pinned
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS
from lakehouse.windows.count import within

SECONDS = 30.0
PERIOD = "period"
Rows = Callable[[Span], str]


def count_answers(
    places: Places, closed: DeltaTable, due: Mapping[Rule, int], end: int
) -> Iterator[Part | RuleFault]:
    """Asks the rules that have a statement, of exactly the rows that closed minutes counted."""
    asked = {rule: first for rule, first in due.items() if rule.table.query and first < end}
    if not asked:
        return
    with counted(places, closed) as rows:
        rows.connection.execute(f"SET memory_limit = '{MEMORY}'")
        for rule, first in asked.items():
            begin = first // rule.condition.longest * rule.condition.longest
            there = {minute_of(one.first) for one in spans(closed, start_of(begin - 1), 0)}
            yield from _parts(rows.connection, rows.rows, rule, first, end, there)


def ask_logs(places: Places, rule: Rule, first: int, end: int) -> Iterator[Part | RuleFault]:
    """Asks a rule of the rows that `logs` has now."""
    with connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        logs = Pinned.of(LOGS.name, places.table(LOGS), open_table(places, LOGS))
        logs.with_columns(LOGS.columns).create_view(connection, LOGS.name)
        begin = first // rule.condition.longest * rule.condition.longest
        found = connection.sql(
            f"SELECT DISTINCT epoch_us(timestamp) // 60000000 FROM {LOGS.name} "
            f"WHERE {within(start_of(begin), start_of(end))}"
        ).fetchall()
        there = {minute for (minute,) in found}
        yield from _parts(connection, _of_span, rule, first, end, there)


def _of_span(span: Span) -> str:
    return f"(SELECT * FROM {LOGS.name} WHERE {span.sql})"


def _parts(
    connection: duckdb.DuckDBPyConnection,
    rows: Rows,
    rule: Rule,
    first: int,
    end: int,
    there: set[int],
) -> Iterator[Part | RuleFault]:
    """Yields a part a period that ends within; one without any row is not asked."""
    length = rule.condition.longest
    since = first
    for at in range(first // length * length, end - length + 1, length):
        until = at + length
        if until - 1 < first or not any(minute in there for minute in range(at, until)):
            continue
        try:
            with _in_time(connection):
                span = Span(start_of(at), start_of(until))
                select = f"SELECT * FROM {rows(span)}"
                connection.execute(f"CREATE OR REPLACE TEMP TABLE {PERIOD} AS {select}")
                query = of_answer(rule, PERIOD, until - 1, MOST_GROUPS)
                answer = connection.sql(query).to_arrow_table()
        except duckdb.InterruptException:
            yield RuleFault(rule, f"its query takes more than {SECONDS:g} s of one period")
            return
        except duckdb.Error as error:
            yield RuleFault(rule, str(error).splitlines()[0][:200])
            return
        yield Part(rule, tallies(answer), since, until)
        since = until
    yield Part(rule, NO_ROWS, since, end)


@contextmanager
def _in_time(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    timer = threading.Timer(SECONDS, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
