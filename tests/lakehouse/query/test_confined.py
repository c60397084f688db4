"""A statement reads the lake's tables and the data files that it names; nothing on disk changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.asked import answer
from support.lakes import Lake, events

from lakehouse.errors import LogpondError, SettingsError
from lakehouse.query.ask import ask
from lakehouse.settings import Sql

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# {0} is a folder with hosts.csv, secret.txt and an empty folder `out`.
DUCKDB = [
    "COPY logs TO '{0}/out/x.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{0}/out/x.csv'",
    "EXPLAIN ANALYZE /* /* */ SELECT */ COPY (SELECT 1) TO '{0}/out/x.csv'",
    "EXPLAIN /* /* */ ANALYZE SELECT */ COPY (SELECT 1) TO '{0}/out/x.csv'",
    "EXPLAIN ANALYZE -- SELECT\n COPY (SELECT 1) TO '{0}/out/x.csv'",
    "/* /* */ SELECT */ COPY (SELECT 1) TO '{0}/out/x.csv'",
    "WITH x AS (COPY (SELECT 1) TO '{0}/out/x.csv') SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{0}/lake/logs/x.csv' (USE_TMP_FILE false)) FROM x",
    "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{0}/lake/logs/x.csv') FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{0}/hosts.csv' (USE_TMP_FILE false)) FROM x, '{0}/hosts.csv'",
    "SELECT (WITH x AS (COPY (SELECT 1) TO '{0}/hosts.csv') SELECT 1) FROM '{0}/hosts.csv'",
    "FROM query('WITH x AS (COPY (SELECT 1) TO ''{0}/lake/logs/x.csv'') FROM x')",
    "FROM query('COPY (SELECT 1) TO ''{0}/out/x.csv''')",
    "WITH x AS (INSERT INTO logs SELECT * FROM logs RETURNING 1) FROM x",
    "WITH x AS (DELETE FROM logs RETURNING 1) FROM x",
    "WITH x AS (UPDATE logs SET ip = '' RETURNING 1) FROM x",
    "SELECT 1; COPY (SELECT 1) TO '{0}/out/x.csv'",
    "EXPLAIN SELECT 1; COPY (SELECT 1) TO '{0}/out/x.csv'",
    "PREPARE p AS COPY (SELECT 1) TO '{0}/out/x.csv'",
    "EXECUTE p",
    "EXPORT DATABASE '{0}/out'",
    "IMPORT DATABASE '{0}/out'",
    "ATTACH '{0}/out/x.db'",
    "ATTACH ':memory:' AS y",
    "DETACH memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{0}/secret.txt'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET temp_directory = '{0}/out'",
    "RESET memory_limit",
    "PRAGMA profile_output = '{0}/out/x.json'",
    "PRAGMA enable_profiling",
    "PRAGMA memory_limit = '1TB'",
    "CALL enable_logging(storage := 'file', storage_config := {{'path': '{0}/out'}})",
    "FROM enable_logging('QueryLog', storage := 'file', storage_config := {{'path': '{0}/out'}})",
    "CREATE TABLE x AS SELECT 1",
    "CREATE OR REPLACE VIEW logs AS SELECT 1",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "CREATE MACRO f() AS TABLE FROM read_text('{0}/secret.txt')",
    "DROP VIEW logs",
    "INSERT INTO logs SELECT * FROM logs",
    "VACUUM ANALYZE",
    "CHECKPOINT",
    "PIVOT logs ON hour",
    "FROM read_text('{0}/secret.txt')",
    "FROM read_text('{0}/*')",
    "FROM read_blob('/etc/passwd')",
    "FROM read_csv('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM read_csv('{0}/ho' || 'sts.csv')",
    "FROM read_csv('{0}/link.csv/../secret.txt')",
    "FROM glob('{0}/*')",
    "FROM glob('/etc/**')",
    "FROM sniff_csv('{0}/secret.txt')",
    "FROM parquet_metadata('{0}/secret.txt')",
    "FROM read_duckdb('{0}/out/x.db', table_name = 't')",
    "FROM '{0}/lake/logs/../../secret.txt'",
    "FROM read_text('{0}/lake/_state/token')",
    "FROM 'http://127.0.0.1:9/x.csv'",
    "FROM 's3://bucket/x.parquet'",
    "SELECT getenv('HOME')",
]
SPARK = [
    "FROM logs INSERT OVERWRITE DIRECTORY '{0}/out' SELECT *",
    "INSERT OVERWRITE LOCAL DIRECTORY '{0}/out' USING csv SELECT 1",
    "WITH x AS (SELECT 1) FROM x INSERT OVERWRITE DIRECTORY '{0}/out' USING csv SELECT *",
    "FROM logs INSERT INTO logs SELECT * INSERT OVERWRITE DIRECTORY '{0}/out' SELECT *",
    "WITH x AS (SELECT 1) INSERT INTO delta.`{0}/lake/logs` SELECT * FROM x",
    "EXPLAIN INSERT INTO delta.`{0}/lake/logs` SELECT 1",
    "EXPLAIN /* /* */ SELECT */ INSERT OVERWRITE DIRECTORY '{0}/out' SELECT 1",
    "FROM logs SELECT TRANSFORM(ip) USING 'touch {0}/out/x' AS y",
    "SELECT TRANSFORM(1) USING 'touch {0}/out/x' AS y",
    "FROM (SELECT TRANSFORM(1) USING 'touch {0}/out/x' AS y) SELECT *",
    "SELECT reflect('java.lang.System', 'getProperty', 'user.home')",
    "SELECT 1 WHERE java_method('java.lang.System', 'getenv', 'HOME') IS NULL",
    "SELECT (SELECT max(upper(try_reflect('java.lang.System', 'getenv', 'HOME'))) FROM logs)",
    "SELECT system.builtin.reflect('java.util.UUID', 'randomUUID')",
    "SELECT * FROM text.`/etc/passwd`",
    "SELECT * FROM csv.`{0}/secret.txt`",
    "SELECT (SELECT count(*) FROM binaryFile.`{0}`)",
    "SELECT 1 WHERE EXISTS (SELECT * FROM text.`/etc/passwd`)",
    "SELECT * FROM IDENTIFIER('text.`/etc/passwd`')",
    "SELECT * FROM IDENTIFIER('te' || 'xt.`/etc/passwd`')",
    "SELECT * FROM delta.`{0}/lake/quarantine`",
    "WITH x AS (SELECT * FROM text.`/etc/passwd`) SELECT * FROM x",
    "DESCRIBE text.`/etc/passwd`",
    "DESCRIBE QUERY SELECT * FROM text.`/etc/passwd`",
    "EXPLAIN SELECT * FROM text.`/etc/passwd`",
    "DESCRIBE HISTORY delta.`{0}/lake/logs`",
    "SELECT * FROM table_changes_by_path('{0}/lake/logs', 0)",
    "CREATE TABLE x USING csv LOCATION '{0}/out' AS SELECT 1",
    "CREATE TEMPORARY VIEW x USING text OPTIONS (path '/etc/passwd')",
    "CREATE FUNCTION f AS 'java.lang.Runtime'",
    "DROP TABLE delta.`{0}/lake/logs`",
    "DELETE FROM delta.`{0}/lake/logs`",
    "MERGE INTO delta.`{0}/lake/logs` USING logs ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE logs",
    "CACHE TABLE logs",
    "ADD JAR '{0}/secret.txt'",
    "SET spark.sql.warehouse.dir = {0}/out",
    "EXECUTE IMMEDIATE 'INSERT OVERWRITE DIRECTORY \"{0}/out\" SELECT 1'",
    "BEGIN INSERT OVERWRITE DIRECTORY '{0}/out' SELECT 1; END",
    "LOAD DATA INPATH '{0}/secret.txt' INTO TABLE logs",
    "DECLARE x INT",
    "CALL system.foo()",
    "SHOW TABLES IN default; DROP TABLE logs",
    "DESCRIBE HISTORY logs; DROP TABLE logs",
]


@pytest.fixture
def yard(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder around a lake, which is where we stand: data, a secret, a place to write to."""
    lake.put(events(range(3)))
    around = Path(lake.places.lake).parent
    (around / "out").mkdir()
    (around / "hosts.csv").write_text("host,team\nx,blue\n")
    (around / "secret.txt").write_text("secret")
    (around / "lake" / "_state").mkdir()
    (around / "lake" / "_state" / "token").write_text("secret")
    (around / "link.csv").symlink_to("hosts.csv")
    monkeypatch.chdir(around)
    return around


def everything(folder: Path) -> dict[str, str]:
    """Every path below a folder, with the hash of what a file holds."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("sql", DUCKDB)
def test_duckdb_refuses_what_does_not_only_read(lake: Lake, yard: Path, sql: str) -> None:
    """In words; and no file is made, changed or deleted."""
    before = everything(yard)
    with pytest.raises(LogpondError) as refused:
        answer(lake, sql.format(yard))
    assert everything(yard) == before
    assert len(refused.value.what) < 1000


@pytest.mark.spark
@pytest.mark.parametrize("sql", SPARK)
def test_spark_refuses_what_does_not_only_read(
    lake: Lake, yard: Path, spark: SparkSession, sql: str
) -> None:
    """The same by Spark."""
    before = everything(yard)
    with pytest.raises(LogpondError) as refused:
        answer(lake, sql.format(yard), spark=lambda: spark)
    assert everything(yard) == before
    assert len(refused.value.what) < 1000


@pytest.mark.parametrize(
    "name",
    [
        "'hosts.csv'",
        "'./hosts.csv'",
        "'host*.csv'",
        "'**/hosts.csv'",
        "'link.csv'",
        "'{0}/hosts.csv'",
        "read_csv(['hosts.csv'])",
        '"hosts.csv"',
        "(FROM 'hosts.csv')",
        "read_csv($$hosts.csv$$, header = true)",
    ],
)
def test_a_data_file_is_read_where_it_is_named(lake: Lake, yard: Path, name: str) -> None:
    """By a path, a glob, a link, wherever a table may stand."""
    assert {"host": "x", "team": "blue"} in answer(lake, f"FROM {name.format(yard)}")


def test_a_lake_behind_a_link_is_read(lake: Lake, yard: Path) -> None:
    """Its tables are where the link leads to."""
    (yard / "other").symlink_to(lake.places.lake)
    assert answer(Lake.at(yard / "other" / ".."), "SELECT count(*) AS n FROM logs") == [{"n": 3}]
    linked = Lake(type(lake.places).at(str(yard / "other")))
    assert answer(linked, "SELECT count(*) AS n FROM logs") == [{"n": 3}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "limits", "says"),
    [
        ("FROM range(1000000000000) a ORDER BY random()", Sql(seconds=1), "within 1 s"),
        ("SELECT repeat('x', 100) FROM range(2000000)", Sql(memory_mb=64), "larger than 64 MB"),
        (
            "FROM range(100000000) ORDER BY random()",
            Sql(memory_mb=64, temp_mb=1),
            "max_temp_directory_size",
        ),
    ],
)
def test_an_answer_is_bounded(lake: Lake, yard: Path, sql: str, limits: Sql, says: str) -> None:
    """By time, memory and room on disk; each in words."""
    with pytest.raises(SettingsError, match=says):
        ask(lake.places, sql, limits=limits)


@pytest.mark.spark
def test_spark_has_a_limit_of_time(lake: Lake, yard: Path, spark: SparkSession) -> None:
    """What runs is cancelled."""
    sql = "SELECT count(*) FROM range(100000000000000) WHERE id % 7 = rand()"
    with pytest.raises(SettingsError, match="within 2 s"):
        ask(lake.places, sql, spark=lambda: spark, limits=Sql(seconds=2))


@pytest.mark.spark
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) AS n FROM logs",
        "WITH x AS (SELECT * FROM logs) SELECT count(*) AS n FROM x WHERE ip IN (SELECT ip FROM x)",
        "FROM logs |> AGGREGATE count(*) AS n",
        "SELECT count(*) AS n FROM range(3) r JOIN logs ON r.id = _offset",
        "SELECT max(n) AS n FROM (SELECT row_number() OVER w AS n FROM logs WINDOW w AS"
        " (PARTITION BY service ORDER BY _offset))",
        "SELECT count(*) AS n FROM logs LATERAL VIEW explode(array(1)) AS y",
        "SELECT 3 AS n UNION SELECT n FROM VALUES (3) AS v(n)",
        "SELECT count(*) AS n FROM logs GROUP BY GROUPING SETS (()) HAVING count(*) > 1",
        "SELECT n FROM (SELECT 1 AS k, 3 AS n) PIVOT (max(n) AS n FOR k IN (1 AS n))",
        "SELECT DISTINCT 3 AS n FROM logs TABLESAMPLE (100 PERCENT) ORDER BY n LIMIT 5 OFFSET 0",
    ],
)
def test_spark_answers_what_reads(lake: Lake, yard: Path, spark: SparkSession, sql: str) -> None:
    """Whatever forms a query has."""
    assert answer(lake, sql, spark=lambda: spark) == [{"n": 3}]
