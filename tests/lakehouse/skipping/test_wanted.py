"""No question loses a row: what filters say no to has none that fits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.duck import connect, literal, syntax
from lakehouse.query.search import DUCKDB, condition, parse
from lakehouse.skipping import entry
from lakehouse.skipping.statement import of_statement
from lakehouse.skipping.wanted import Wanted, of_query

NOW = datetime(2026, 5, 1, tzinfo=UTC)
# Two signs of these become ASCII in lower case.
LETTERS = "abKk1234567é\u212a\u0130iß-% _\\"
TEXT = st.text(LETTERS, max_size=12) | st.sampled_from(["needle in K 1234567", "Kabc", "\u212aabc"])
COLUMNS = ("message", "path", "user", "ip", "app", "trace_id", "span_id", "event_id")
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | TEXT for name in COLUMNS}), min_size=1, max_size=5
)
# Of a question: what is asked of a row's own text, so that it is often there.
PART = st.tuples(st.integers(0, 9), st.integers(1, 9), st.booleans())


def filters_of(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """The filters of a file of these rows."""
    text = pa.schema([(name, pa.string()) for name in COLUMNS])
    return entry.build(pa.Table.from_pylist(rows, text).to_batches(), 200)


def may_hold(rows: list[dict[str, Any]], wanted: Wanted | None) -> bool:
    """Whether such a file would be read."""
    filters = {kind: memoryview(bits) for kind, bits in filters_of(rows).items()}
    return wanted is None or wanted.may_be_in(filters.get)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """One connection for all questions."""
    with connect() as connection:
        yield connection


def count(duck: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], where: str) -> int:
    """How many rows fit, by the engine."""
    text = pa.schema([(name, pa.string()) for name in entry.COLUMNS])
    full = [{name: row.get(name) for name in text.names} for row in rows]
    duck.register("logs", pa.Table.from_pylist(full, text))
    ((found,),) = duck.sql(f"SELECT count(*) FROM logs WHERE {where}").fetchall()
    return int(found)


def needle(rows: list[dict[str, Any]], data: st.DataObject) -> str:
    """A part of some text of some row, in some case; or a text of its own."""
    texts = [text for row in rows for text in row.values() if text] or ["x"]
    text = data.draw(st.sampled_from(texts) | TEXT)
    begin, length, is_swapped = data.draw(PART)
    part = text[begin : begin + length]
    return part.swapcase() if is_swapped else part


def quoted(text: str) -> str:
    """A text as a query writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@settings(max_examples=150, deadline=None)
@given(ROWS, st.data())
def test_no_query_loses_a_row(
    duck: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Of any field or of none, of parts, wildcards, negations and brackets."""
    one, two = (quoted(needle(rows, data) or "x") for _ in range(2))
    field = data.draw(st.sampled_from(COLUMNS))
    form = data.draw(
        st.sampled_from(
            ["{a}", "{f}:{a}", "{a} OR {b}", "-{a} {b}", "{f}:{a} {b}", "-({a} {f}:{b})"]
        )
    )
    tree = parse(form.format(a=one, b=two, f=field), NOW)
    if not may_hold(rows, of_query(tree)):
        assert count(duck, rows, condition(tree, DUCKDB)) == 0


CONDITIONS = (
    "{f} = {a}",
    "{b} = l.{f}",
    "{f} IN ({a}, {b})",
    "{f} LIKE {like}",
    "lower({f}) LIKE {like}",
    "{f} ILIKE {like}",
    "contains({f}, {a}) AND starts_with({f}, {b})",
    "NOT contains({f}, {a}) OR {f} = {b}",
    "{f} = {a} OR ({f} LIKE {like} AND ip = {b})",
    "{f} LIKE {like} ESCAPE '-'",
    "{f} = {a} COLLATE NOCASE",
    "coalesce({f}, {a}) = {a}",
)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.data())
def test_no_statement_loses_a_row(
    duck: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Of conditions that are looked into, and of such as are not."""
    one, two = needle(rows, data), needle(rows, data)
    field = data.draw(st.sampled_from(COLUMNS))
    like = literal(f"%{one}{data.draw(st.sampled_from('%_'))}{two}")
    form = data.draw(st.sampled_from(CONDITIONS))
    where = form.format(f=f'"{field}"', a=literal(one), b=literal(two), like=like)
    wanted = of_statement(syntax.tree(duck, f"SELECT 1 FROM logs l WHERE {where}"))
    if not may_hold(rows, wanted):
        assert count(duck, rows, where.replace("l.", "")) == 0


OTHERS = [{"message": "nothing of it", "user": "u", "ip": "1.2.3.4", "trace_id": "t", "path": "/"}]


@pytest.mark.parametrize(
    "query",
    [
        "trace_id:4bf92f3577b34da6",
        "user:NEEDLE",
        "ip:203.0.113.7",
        "needle",
        '"a needle"',
        "need*stack",
        "path:/api/*",
        "message:needle",
        "(needle OR user:x) level:error",
        "9876543",
        "user:x -needle",
        "event_id:none",
    ],
)
def test_a_file_without_it_is_not_read(query: str) -> None:
    """For each of what filters know."""
    assert not may_hold(OTHERS, of_query(parse(query, NOW)))


@pytest.mark.parametrize(
    "query",
    ["", "abc", "-needle", "level:error", "needle OR level:error", "user:*", "éé", "user:é"],
)
def test_what_filters_do_not_know_reads_all(query: str) -> None:
    """Short parts, negations, ranges, signs that are not ASCII, other fields."""
    assert of_query(parse(query, NOW)) is None


READ_WHOLE = (
    "SELECT * FROM logs",
    "SELECT * FROM logs WHERE NOT trace_id = 'x'",
    "SELECT * FROM logs WHERE trace_id > 'x'",
    "SELECT * FROM logs WHERE trace_id = 'x' OR status_code = 500",
    "SELECT * FROM logs WHERE trace_id = lower('X')",
    "SELECT lower(user) AS user FROM logs WHERE user = 'x'",
    "SELECT * FROM logs AS user WHERE user = 'x'",
    "SELECT * FROM logs AS l(trace_id) WHERE trace_id = 'x'",
    "SELECT * FROM logs, quarantine WHERE trace_id = 'x'",
    "SELECT * FROM logs a JOIN logs b USING (event_id) WHERE a.trace_id = 'x'",
    "SELECT * FROM logs LEFT JOIN hosts ON trace_id = 'x'",
    "SELECT (SELECT count(*) FROM logs) FROM logs WHERE trace_id = 'x'",
    "WITH logs AS (SELECT 'x' AS trace_id) SELECT * FROM logs WHERE trace_id = 'x'",
    "WITH a AS (SELECT 1) SELECT * FROM logs WHERE trace_id = 'x'",
    "SELECT * FROM logs WHERE trace_id = 'x' UNION ALL SELECT * FROM logs",
    "SELECT * FROM (SELECT * FROM logs) WHERE trace_id = 'x'",
    "SELECT * FROM logs_once WHERE trace_id = 'x'",
    "SELECT * FROM other.logs WHERE trace_id = 'x'",
    "SELECT * FROM logs TABLESAMPLE 10% WHERE trace_id = 'x'",
    "SELECT * FROM logs WHERE attributes.user = 'x'",
    r"SELECT * FROM logs WHERE message LIKE '%nee\dle%'",
    "SELECT count(*) FILTER (WHERE trace_id = 'x') FROM logs",
    "SELECT * FROM logs QUALIFY trace_id = 'x'",
    "SELECT user, count(*) FROM logs GROUP BY user HAVING user = 'x'",
)


@pytest.mark.parametrize("sql", READ_WHOLE)
def test_a_statement_that_is_not_plain_reads_all(sql: str) -> None:
    """Wherever another row might count, or nobody looked."""
    with connect() as connection:
        assert of_statement(syntax.tree(connection, sql)) is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM logs WHERE trace_id = 'x'",
        "FROM Logs l WHERE L.Trace_Id = 'x' AND status_code = 500",
        "SELECT user, count(*) FROM logs WHERE 'x' = logs.ip GROUP BY ALL ORDER BY 2 LIMIT 3",
        "SELECT * FROM logs WHERE user IN ('x', 'y') AND NOT is_bot",
        "SELECT * FROM logs WHERE message LIKE '%needle%in%' LIMIT 1",
        "SELECT * FROM logs WHERE lower(message) LIKE '%needle%'",
    ],
)
def test_a_plain_statement_reads_few(sql: str) -> None:
    """One table, a WHERE of texts."""
    with connect() as connection:
        wanted = of_statement(syntax.tree(connection, sql))
    assert wanted is not None
    assert not may_hold(OTHERS, wanted)
