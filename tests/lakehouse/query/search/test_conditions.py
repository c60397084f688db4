"""Conditions of SQL: they choose the rows that the query means, and are nothing but conditions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.searching import fits
from support.windows import at, logged

from lakehouse.duck import connect
from lakehouse.query.search import DUCKDB, SPARK, QueryFault, bound, condition, parse
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LETTERS = "aAbß %_!*.\\'\"é$-1\n"
TEXT = st.text(LETTERS, max_size=4)
NUMBERS = st.sampled_from(["5", "-1", "1.5", "1e2", " 5", "5\n", "x", "", "1_0", "nan"])
COLUMNS = {
    "service": TEXT,
    "path": st.none() | TEXT,
    "user": st.none() | TEXT,
    "user_agent": st.none() | TEXT,
    "level": st.none() | st.sampled_from(["INFO", "warn", "ERROR", "FATAL", "audit", "WARNING"]),
    "status_code": st.sampled_from([200, 404, 500, 503]),
    "response_time": st.none() | st.sampled_from([0.0, 1.5, 500.0, 500.5]),
    "bytes_sent": st.none() | st.integers(0, 3),
    "is_bot": st.none() | st.booleans(),
    "timestamp": st.integers(0, 3).map(lambda n: at(0) + timedelta(hours=12 * n)),
    "severity_number": st.none() | st.integers(1, 24),
    "message": st.none() | TEXT,
    "attributes": st.none() | st.dictionaries(st.sampled_from("kK."), TEXT | NUMBERS, max_size=2),
    "_misfits": st.none() | st.lists(st.sampled_from(["ip", "status_code"]), max_size=2),
}
THERE = {name: values for name, values in COLUMNS.items() if name in LOGS.columns.names}


def quoted(text: str) -> str:
    """A text as a query writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


WORDS = TEXT.map(quoted) | st.text("aAbé*%_", min_size=1, max_size=4)
SIGNS = st.sampled_from(["", ">", ">=", "<", "<="])
TERMS = st.one_of(
    WORDS,
    *(st.tuples(st.just(name), WORDS).map("%s:%s".__mod__) for name in ("service", "path", "user")),
    st.tuples(st.just("user_agent"), WORDS).map("%s:%s".__mod__),
    st.sampled_from([f"{name}:*" for name in THERE if name != "attributes"]),
    st.tuples(SIGNS, st.sampled_from(["404", "500"])).map("status:%s%s".__mod__),
    st.tuples(SIGNS, st.sampled_from(["1.5", "500ms", "0.5s"])).map("duration:%s%s".__mod__),
    st.sampled_from(
        ["status:5xx", "status:(404 OR 5xx)", "duration:1..500", "bytes:1..", "bot:true"]
    ),
    st.tuples(SIGNS, st.sampled_from(["warn", "error", "info"])).map("level:%s%s".__mod__),
    st.sampled_from(["level:audit", "level:warn..error", "level:w*", "bot:false"]),
    st.sampled_from(
        ["time:>=2026-04-29T12:00", "time:<2026-04-30", "date:2026-04-29", "date:>2026-04-29"]
    ),
)
if "attributes" in THERE:
    TERMS |= st.tuples(st.sampled_from(["k", "K", '"."']), WORDS).map("attributes.%s:%s".__mod__)
    TERMS |= st.sampled_from(
        ["attributes.k:*", "attributes.k:>1", "attributes.k:1..5", "_misfits:ip"]
    )
QUERIES = st.recursive(
    TERMS,
    lambda part: st.one_of(
        part.map("-({})".format),
        st.tuples(part, part).map(" ".join),
        st.tuples(part, part).map("({0[0]} OR {0[1]})".format),
    ),
    max_leaves=5,
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of `logs` with these values, each with its number in `_offset`."""
    filled = logged([at(0)] * len(rows)).to_pydict()
    for name in THERE:
        filled[name] = [row[name] for row in rows]
    filled["date"] = [row["timestamp"].date() for row in rows]
    filled["_offset"] = [*range(len(rows))]
    return pa.Table.from_pydict(filled, LOGS.columns)


def by_duckdb(rows: pa.Table, where: str, values: dict[str, Any] | None = None) -> list[int]:
    """The numbers of the rows that fit."""
    with connect() as connection:
        connection.register("logs", rows)
        found = connection.execute(f"SELECT _offset FROM logs WHERE {where}", values or {})
        return sorted(n for (n,) in found.fetchall())


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries(THERE), min_size=1, max_size=8), QUERIES)
def test_duckdb_chooses_the_rows_that_are_meant(rows: list[dict[str, Any]], query: str) -> None:
    """Those of plain Python, with literals and with bound values."""
    tree, logs = parse(query), table(rows)
    meant = [row["_offset"] for row in logs.to_pylist() if fits(row, tree)]
    dialect, values = bound("w")
    assert by_duckdb(logs, condition(tree, dialect), values) == meant
    assert by_duckdb(logs, condition(tree, DUCKDB)) == meant


def test_what_has_no_value_is_left_in_by_a_minus() -> None:
    """`-user:ann` are all rows but hers, also those without a user."""
    logs = logged([at(0)] * 3, user=["ann", "bob", None], event_id=["a", "b", "c"])
    numbers = logs.set_column(logs.column_names.index("_offset"), "_offset", pa.array([0, 1, 2]))
    assert by_duckdb(numbers, condition(parse("-user:ann"), DUCKDB)) == [1, 2]


# What a condition may be made of; a subquery, a star or a table function is none of these.
HARMLESS = {
    "FUNCTION",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "COLUMN_REF",
    "OPERATOR",
    "CASE",
    "CAST",
}
HOSTILE = (
    "'",
    "''",
    "\\'",
    "') OR 1=1 --",
    "'; DROP TABLE logs; --",
    "/*",
    "*/",
    "${env:HOME}",
    "$w0",
    "\\",
    "\\u0027 OR 1=1",
    "x' UNION SELECT * FROM logs --",
    "{0}",
    "%s",
    "\u202e",
    "\n",
    "`",
    '\\"',
)


def classes(connection: Any, where: str) -> set[str]:
    """The kinds of expressions in a condition, by DuckDB's own parser."""
    answer = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT a FROM t WHERE {where}"])
    tree = json.loads(answer.fetchone()[0])
    assert not tree["error"], tree
    (statement,) = tree["statements"]
    assert statement["node"]["from_table"]["table_name"] == "t"
    found: set[str] = set()
    stack = [statement["node"]["where_clause"]]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            found |= {part["class"]} if "class" in part else set()
            stack += part.values()
        elif isinstance(part, list):
            stack += part
    return found


ANYTHING = st.text(max_size=30) | st.text("ab:\"'()\\-*><.$;/ \n", max_size=40)


@settings(deadline=None)
@given(ANYTHING | st.lists(ANYTHING | st.sampled_from(HOSTILE), max_size=4).map("user:".join))
def test_whatever_is_asked_is_a_condition_or_a_fault(query: str) -> None:
    """Nothing else becomes of any text."""
    try:
        tree = parse(query)
    except QueryFault as fault:
        places = (0, fault.start, fault.end, len(query) + 1)
        assert [*places] == sorted(places)
        return
    with connect() as connection:
        assert classes(connection, condition(tree, DUCKDB)) <= HARMLESS
        assert classes(connection, condition(tree, bound("w")[0])) <= {*HARMLESS, "PARAMETER"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_a_text(text: str) -> None:
    """A row that holds it is found, and no other."""
    logs = table([_row(text), _row("x")])
    assert by_duckdb(logs, condition(parse(f"user:{quoted(text)}"), DUCKDB)) == [0]
    assert by_duckdb(logs, condition(parse(quoted(text)), DUCKDB)) == [0]


def _row(user: str) -> dict[str, Any]:
    usual = {"service": "s", "status_code": 200, "timestamp": at(0)}
    return {**dict.fromkeys(THERE), **usual, "user": user}


EXAMPLES = [
    "status:5xx",
    "-status:200",
    "service:a*",
    "user:*",
    "-user:*",
    "level:>=warn",
    "level:audit",
    "duration:>1.5",
    "duration:1..500",
    "bot:true",
    "-bot:true",
    "time:>=2026-04-29T12:00",
    "date:2026-04-29",
    'path:"a%"',
    "a%",
    "_",
    'user:"\'"',
    'user:"\\\\"',
    "(status:404 OR bot:false) -a",
    'user:"${env:HOME}"',
]


@pytest.mark.spark
def test_spark_chooses_the_same_rows(spark: SparkSession) -> None:
    """Over rows with and without every value, for each form that the language has."""
    texts = [None, "a", "A%", "'", "\\", "_", "${env:HOME}", "a\nb"]
    rows = [
        {
            **_row(""),
            "user": text,
            "path": texts[n - 3],
            "service": texts[n % 7 + 1],
            "level": [None, "WARN", "audit"][n % 3],
            "status_code": [200, 404, 503][n % 3],
            "response_time": [None, 1.5, 500.5][n % 3],
            "is_bot": [None, True, False][n % 3],
            "timestamp": at(720 * (n % 3)),
        }
        for n, text in enumerate(texts)
    ]
    queries, extra = [*EXAMPLES], [f"user:{quoted(text)}" for text in HOSTILE]
    if "attributes" in THERE:
        for n, row in enumerate(rows):
            row["attributes"] = (
                {"k": ["5", "x", "5\n", "1e2"][n % 4], "a'b": "c"} if n % 5 else None
            )
            row["message"], row["_misfits"] = texts[n - 1], ["ip"] if n % 2 else None
        queries += [
            "attributes.k:>1",
            "attributes.k:5",
            "attributes.k:*",
            "-attributes.k:x",
            'attributes."a\'b":c',
            "_misfits:ip",
            "message:a",
        ]
    logs = table(rows)
    spark.createDataFrame(logs).createOrReplaceTempView("searched")
    for query in [*queries, *extra]:
        where = condition(parse(query), SPARK)
        found = spark.sql(f"SELECT _offset FROM searched WHERE {where}").toArrow()
        assert sorted(found["_offset"].to_pylist()) == by_duckdb(
            logs, condition(parse(query), DUCKDB)
        ), query
    spark.catalog.dropTempView("searched")
