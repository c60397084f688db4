"""Names, texts and values that have misled readers of SQL: each statement has its right answer."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from support.asked import answer
from support.lakes import Lake, events
from support.windows import Pond, at, logged

from lakehouse.errors import SettingsError, TableError
from lakehouse.query.ask import ask
from lakehouse.tables.rollups import TRAFFIC
from lakehouse.terminal import render

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# On a lake whose `logs` has three rows of the service `shop`.
NAMED = [
    ("""SELECT count(*) AS "it's all" FROM logs WHERE service = 'shop'""", [{"it's all": 3}]),
    ('SELECT count(*) AS "a--b" FROM logs', [{"a--b": 3}]),
    ("SELECT $$it's$$ AS t, count(*) AS n FROM logs", [{"t": "it's", "n": 3}]),
    ("SELECT '/*' AS t, count(*) AS n FROM logs", [{"t": "/*", "n": 3}]),
    ('SELECT count(*) AS n /* it\'s " */ FROM logs -- "', [{"n": 3}]),
    ('SELECT count(*) AS n FROM "LOGS"', [{"n": 3}]),
    ("WITH logs AS (SELECT 1 AS x) SELECT x FROM logs", [{"x": 1}]),
    ('WITH x AS (FROM logs) SELECT count(*) AS n FROM x AS "logs"', [{"n": 3}]),
    ("SELECT (SELECT max(_offset) FROM logs) AS n", [{"n": 2}]),
    ("SELECT count(*) AS n FROM main.logs", [{"n": 3}]),
    ("SELECT count(*) AS n FROM query('FROM logs')", [{"n": 3}]),
    ("SELECT count(*) AS n FROM (UNPIVOT logs ON hour INTO NAME a VALUE b)", [{"n": 3}]),
    ("SHOW TABLES", [{"name": "logs"}]),
    ("SELECT 'traffic' AS logs", [{"logs": "traffic"}]),
]
VALUES: list[tuple[str, Any]] = [
    ("'infinity'::TIMESTAMP", "infinity"),
    ("'-infinity'::DATE", "-infinity"),
    ("'0044-03-15 (BC)'::DATE", "0044-03-15 (BC)"),
    ("'12026-01-01'::TIMESTAMP", "12026-01-01 00:00:00"),
    ("'12026-01-01'::TIMESTAMPTZ", "12026-01-01 00:00:00+00"),
    ("[TIMESTAMP 'infinity']", ["infinity"]),
    ("TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01 23:00:00'", "01:00:00"),
    ("max(timestamp) - min(timestamp)", "00:00:00"),
    ("{'time': INTERVAL 1 MONTH}", {"time": "1 month"}),
    ("'nan'::DOUBLE", "NaN"),
    ("'-inf'::FLOAT", "-Infinity"),
    ("[1.5, 'inf'::DOUBLE]", [1.5, "Infinity"]),
    ("NULL", None),
    ("md5_number('x')", "221188521546444818284084528980898927773"),
    ("sum(_offset)", 3),
    ("'10:00:00+02'::TIMETZ", "10:00:00+02"),
    ("TIME '24:00:00'", "24:00:00"),
    ("'0101'::BIT", "0101"),
    ("timestamp '2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
]


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """Three rows, at one time."""
    lake.put(events(range(3)))
    return lake


@pytest.mark.parametrize(("sql", "rows"), NAMED)
def test_tables_are_those_that_duckdb_reads(lake: Lake, sql: str, rows: list[Any]) -> None:
    """Whatever stands in names, texts and comments."""
    assert answer(lake, sql) == rows


@pytest.mark.spark
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) AS `it's -- all` FROM logs WHERE service = 'shop'",
        "WITH x AS (SELECT * FROM Logs) SELECT count(*) AS `it's -- all` FROM x AS `logs`",
        "SELECT (SELECT count(*) FROM `logs`) AS `it's -- all` /* it's */",
    ],
)
def test_tables_are_those_that_spark_reads(lake: Lake, spark: SparkSession, sql: str) -> None:
    """The same by Spark, which quotes by backticks."""
    assert answer(lake, sql, spark=lambda: spark) == [{"it's -- all": 3}]


@pytest.mark.spark
def test_spark_explains_what_it_would_read(lake: Lake, spark: SparkSession) -> None:
    """A table that an EXPLAIN names is there; one question leaves nothing to the next."""
    for sql in ("EXPLAIN SELECT * FROM logs", "DESCRIBE logs", "SHOW TABLES"):
        assert "NOT_FOUND" not in str(answer(lake, sql, spark=lambda: spark))
    assert not spark.catalog.listTables()
    with pytest.raises(TableError, match="no table nix"):
        answer(lake, "EXPLAIN SELECT * FROM nix", spark=lambda: spark)


@pytest.mark.parametrize(("value", "right"), VALUES)
def test_values_are_what_they_are(lake: Lake, value: str, right: Any) -> None:
    """What no number and no time of JSON is stands as text, and NULL alone is null."""
    assert answer(lake, f"SELECT {value} AS v FROM logs LIMIT 1") == [{"v": right}]


@pytest.mark.parametrize("how", ["table", "csv"])
def test_people_see_what_is_no_number(lake: Lake, how: str) -> None:
    """NaN and infinity differ from NULL in a table and in CSV too."""
    out = io.StringIO()
    sql = "SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, NULL AS c, count(*) AS d FROM logs"
    render.show(render.Rows.of_arrow(ask(lake.places, sql)), how, out)
    for text in ("NaN", "Infinity"):
        assert text in out.getvalue()


def test_two_columns_of_one_name_stay_two(lake: Lake) -> None:
    """Also where their values become text."""
    found = answer(
        lake, "SELECT INTERVAL 1 DAY AS a, 1 AS a, INTERVAL 2 DAY AS a FROM logs LIMIT 1"
    )
    assert [[*row.values()] for row in found] == [["1 day", 1, "2 days"]]


def test_one_question_reads_one_version_of_logs(lake: Lake) -> None:
    """A rollup's open windows and `logs` itself agree, whichever is named first."""
    pond = Pond(lake)
    pond.arrive(logged([at(n) for n in range(5)]))
    pond.close(at(0), [TRAFFIC])
    for order in ("t, n", "n, t"):
        sql = (
            "WITH t AS (SELECT sum(requests) AS r FROM traffic WHERE granularity = '30m'), "
            f"n AS (SELECT count(*) AS n FROM logs) SELECT r - n AS d FROM {order}"
        )
        assert answer(lake, sql) == [{"d": 0}]


@pytest.mark.parametrize("name", ["nix", '"it\'s"', "other.logs"])
def test_a_table_that_is_not_there_is_named(lake: Lake, name: str) -> None:
    """Also one of another schema, and one whose name has a quote."""
    with pytest.raises((TableError, SettingsError), match=name.strip('"')):
        answer(lake, f"SELECT * FROM {name}")


def test_json_is_json(lake: Lake) -> None:
    """No NaN stands bare in it."""
    out = io.StringIO()
    render.show(render.Rows.of_arrow(ask(lake.places, "SELECT 'nan'::DOUBLE AS a")), "json", out)
    assert json.loads(out.getvalue(), parse_constant=pytest.fail) == [{"a": "NaN"}]
