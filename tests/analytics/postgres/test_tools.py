"""What tools ask by PostgreSQL's protocol: psql, psycopg, SQLAlchemy, Grafana, DBeaver, dbt."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as dt_time
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from support.lakes import Lake
from support.postgres import psql, served
from support.sites import shop

from lakehouse.query.ask import Moment, ask
from lakehouse.settings import Sql

pytestmark = pytest.mark.slow
COUNT = "SELECT count(*) FROM logs"
# It goes on for a quarter of an hour, in little memory.
ENDLESS = "SELECT sum(sqrt(range)) FROM range(1000000000000)"
VALUES = {
    "7::SMALLINT": 7,
    "-7": -7,
    "12345678901": 12345678901,
    "2.50::DECIMAL(10, 2)": Decimal("2.50"),
    "-1234567.0001::DECIMAL(20, 4)": Decimal("-1234567.0001"),
    "0::DECIMAL(4, 2)": Decimal("0.00"),
    "sum(100000)": Decimal(100000),
    "1.25::DOUBLE": 1.25,
    "'-inf'::DOUBLE": float("-inf"),
    "true": True,
    "'a' || chr(10) || 'ü'": "a\nü",
    "''": "",
    "NULL": None,
    "'\\x00\\xFF'::BLOB": b"\x00\xff",
    "DATE '1969-12-31'": datetime(1969, 12, 31).date(),
    "TIMESTAMP '2026-01-02 03:04:05.678'": datetime(2026, 1, 2, 3, 4, 5, 678000),
    "TIMESTAMPTZ '2026-01-02 03:04:05Z'": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "UUID '12345678-1234-1234-1234-123456789abc'": UUID("12345678-1234-1234-1234-123456789abc"),
    "[1, 2]": [1, 2],
    "MAP {'a': 'b'}": {"a": "b"},
}
# As Grafana's source for PostgreSQL sends them, its macros expanded.
GRAFANA = {
    "version": "SELECT current_setting('server_version_num')::int/100 as version",
    "extension": "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
    "tables": """select quote_ident(table_name) as "table" from information_schema.tables
    where quote_ident(table_schema) not in ('information_schema', 'pg_catalog')
      and table_type = 'BASE TABLE' and quote_ident(table_schema) IN (
        SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
        FROM generate_series(
          array_lower(string_to_array(current_setting('search_path'),','),1),
          array_upper(string_to_array(current_setting('search_path'),','),1)) as i,
          string_to_array(current_setting('search_path'),',') s)""",
    "columns": """select quote_ident(column_name) as "column", data_type as "type"
    from information_schema.columns where CASE WHEN array_length(parse_ident('logs'),1) = 2
      THEN quote_ident(table_schema) = (parse_ident('logs'))[1]
      AND quote_ident(table_name) = (parse_ident('logs'))[2]
      ELSE quote_ident(table_name) = 'logs' END""",
    "series": """SELECT floor(extract(epoch from "timestamp")/60)*60 AS "time", service AS metric,
      avg(response_time) AS "value" FROM public.logs
      WHERE "timestamp" BETWEEN '2020-01-01T00:00:00Z' AND '2099-01-01T00:00:00Z'
      GROUP BY 1, 2 ORDER BY 1, 2""",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident."""
    return shop(tmp_path_factory.mktemp("postgres"))


def _address(port: int) -> str:
    return f"host=127.0.0.1 port={port} user=me dbname=logpond"


def _refused(client: psycopg.Connection[Any], statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(statement)
    return caught.value


def test_psql_shows_tables_and_rows(lake: Lake, port: int) -> None:
    """What it lists by itself, what a table holds, and the same rows as the command shows."""
    listed = psql(port, "-c", r"\dt")
    assert "public|logs|table|logpond" in listed.splitlines()
    assert "service|text|||" in psql(port, "-c", r"\d logs").splitlines()
    assert "timestamp with time zone" in psql(port, "-c", r"\d+ traffic")
    for command in (r"\l", r"\dn", r"\df", r"\du", r"\dv", r"\di", r"\d", r"\dT", r"\dx"):
        assert "ERROR" not in psql(port, "-c", command), command
    by_service = "SELECT service, count(*) AS n FROM logpond.public.logs GROUP BY 1 ORDER BY 1"
    rows = [
        f"{row['service']}|{row['n']}"
        for row in ask(lake.places, by_service.replace("logpond.public.", "")).to_pylist()
    ]
    assert psql(port, "-c", by_service).splitlines() == ["service|n", *rows]


def test_psql_reads_the_past(lake: Lake, port: int) -> None:
    """As SET says, or as a connection begins; one that is set to a version too."""
    then = ask(lake.places, COUNT, Moment(version=1)).column(0)[0].as_py()
    now = ask(lake.places, COUNT).column(0)[0].as_py()
    assert then < now
    words = ["-c", "SET logpond.version = 1", "-c", COUNT, "-c", "RESET logpond.version"]
    found = psql(port, "-t", *words, "-c", COUNT, "-c", "SHOW logpond.as_of").splitlines()
    assert found[:4] == ["SET", str(then), "RESET", str(now)]
    begun = psql(port, "-t", "-c", COUNT, PGOPTIONS="-c logpond.version=1")
    assert begun.strip() == str(then)
    nothing = psql(port, "-c", "SET logpond.as_of = '-90d'", "-c", COUNT)
    assert "cannot be read at" in nothing
    assert "HINT" in nothing


def test_psql_copies_rows(port: int) -> None:
    """A COPY is CSV, or PostgreSQL's own lines."""
    asked = "COPY (SELECT 'a,\"b' AS x, NULL AS y, chr(9) || 'c\\' AS z, '' AS e) TO STDOUT"
    assert psql(port, "-c", f"{asked} (FORMAT csv, HEADER)") == 'x,y,z,e\n"a,""b",,\tc\\,""\n'
    assert psql(port, "-c", asked) == 'a,"b\t\\N\t\\tc\\\\\t\n'
    assert "nowhere else" in psql(port, "-c", "COPY logs TO '/tmp/x'")


@pytest.mark.parametrize("is_binary", [False, True])
def test_values_are_what_they_were(client: psycopg.Connection[Any], is_binary: bool) -> None:
    """Of each type, as text and binary."""
    with client.cursor(binary=is_binary) as cursor:
        row = cursor.execute(f"SELECT {', '.join(VALUES)}").fetchone()
        assert row is not None
        assert dict(zip(VALUES, row, strict=True)) == VALUES
        lines = cursor.execute("FROM (VALUES (1, 'a'), (NULL, NULL), (3, 'ccc'))").fetchall()
    assert lines == [(1, "a"), (None, None), (3, "ccc")]


@pytest.mark.parametrize("form", ["%s", "%b"])
def test_parameters_are_bound(lake: Lake, client: psycopg.Connection[Any], form: str) -> None:
    """With their types, as text and binary; a text is no SQL."""
    since, name = datetime(2020, 1, 1, tzinfo=UTC), "' OR true --"
    statement = f"SELECT {form}, {form}, count(*) FROM logs WHERE timestamp > {form}"
    for _ in range(2):
        found = client.execute(statement, (name, 1.5, since), prepare=True).fetchone()
        assert found == (name, 1.5, ask(lake.places, COUNT).column(0)[0].as_py())
    some = client.execute("SELECT count(*) FROM logs WHERE service = ANY(%s)", (["x", name],))
    assert some.fetchone() == (0,)


@pytest.mark.parametrize("form", ["%s", "%b", "%t"])
def test_values_of_each_type_are_bound(client: psycopg.Connection[Any], form: str) -> None:
    """Lengths of time, times of day, addresses, which are texts here, and numbers."""
    asked = f"SELECT {form}, {form}, {form}, {form}, {form}"
    day = timedelta(days=-3, hours=2, microseconds=5)
    values = (day, dt_time(23, 59, 1, 7), date(1999, 12, 31), Decimal("-12.050"), 7)
    assert client.execute(asked, values).fetchone() == values
    address, network = ip_address("10.1.2.3"), ip_network("2001:db8::/32")
    zoned = dt_time(12, 30, tzinfo=timezone(timedelta(hours=-3)))
    found = client.execute(f"SELECT {form}, {form}, {form}", (address, network, zoned)).fetchone()
    assert found == ("10.1.2.3", "2001:db8::/32", "12:30:00-03")
    since = client.execute(
        f"SELECT count(*) > 0 FROM logs WHERE timestamp > now() - {form}", (timedelta(days=36500),)
    )
    assert since.fetchone() == (True,)


def test_rows_come_some_at_a_time(lake: Lake, port: int) -> None:
    """By a cursor of the server, as SQLAlchemy streams and as psycopg's named cursors ask."""
    with psycopg.connect(_address(port)) as client, client.cursor(name="some") as cursor:
        cursor.itersize = 7
        cursor.execute("SELECT range FROM range(50)")
        assert [row[0] for row in cursor] == [*range(50)]


def test_a_transaction_that_failed_has_to_end(port: int) -> None:
    """As PostgreSQL has it; until then nothing is answered."""
    with psycopg.connect(_address(port)) as client:
        assert _refused(client, "SELECT nothing FROM logs").sqlstate == "42703"
        assert _refused(client, "SELECT 1").sqlstate == "25P02"
        client.rollback()
        assert client.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELEC 1", "42601"),
        ("SELECT * FROM nothing", "42P01"),
        ("SELECT no_such(1) FROM logs", "42883"),
        ("INSERT INTO logs VALUES (1)", "25006"),
        ("WITH x AS (COPY logs TO '/tmp/x') FROM x", "25006"),
        ("SELECT * FROM read_csv('/etc/passwd')", "42501"),
        ("SELECT * FROM read_parquet('lake/logs/**/*.parquet')", "42501"),
        ("SELECT * FROM 'lake/logs/x.parquet'", "42501"),
        ("SELECT * FROM read_text('/etc/passwd') JOIN pg_class ON true", "42501"),
        ("SELECT 'x'::INTEGER", "22P02"),
        ("SET memory_limit = '9GB'", "42704"),
        ("SET logpond.as_of = 'not a time!'", "22023"),
        ("SHOW nothing", "42704"),
        ("DECLARE a SCROLL CURSOR FOR SELECT 1", "0A000"),
        ("COPY logs TO STDOUT (FORMAT parquet)", "22023"),
        ("COPY logs TO STDOUT WITH (FORMAT 'xml')", "22023"),
        ("EXECUTE a", "0A000"),
        ("PRAGMA version", "0A000"),
        ("ATTACH 'x.db'", "0A000"),
        ("ANALYZE", "0A000"),
        ("SET statement_timeout = 'soon'", "22023"),
    ],
)
def test_what_is_refused_says_why(
    client: psycopg.Connection[Any], statement: str, code: str
) -> None:
    """With PostgreSQL's code; the session goes on."""
    found = _refused(client, statement)
    assert found.sqlstate == code, str(found)
    assert "Traceback" not in str(found)
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_too_little_memory_is_said_in_words_of_here(lake: Lake) -> None:
    """DuckDB's advice, to SET its own settings, is not to be had."""
    limits = Sql(seconds=60, memory_mb=64, temp_mb=0)
    with served(lake.places, limits) as port, psycopg.connect(_address(port)) as client:
        found = _refused(client, "SELECT list(range || 'x') FROM range(20000000)")
    assert found.sqlstate == "53200"
    assert "[postgres] memory_mb" in str(found)
    assert "SET " not in str(found)


def test_a_question_ends_when_it_should(client: psycopg.Connection[Any]) -> None:
    """After the time that the session allows, or when its client says so."""
    client.execute("SET statement_timeout = '200ms'")
    assert _refused(client, ENDLESS).sqlstate == "57014"
    client.execute("SET statement_timeout = 0")
    # its other way of cancelling keeps Python to itself, and the server runs in it here
    threading.Timer(0.3, client.cancel_safe).start()
    assert "user request" in str(_refused(client, ENDLESS))


def test_sqlalchemy_finds_tables_and_columns(lake: Lake, port: int) -> None:
    """Its inspector, a table that it reflects, rows that it streams."""
    engine = sa.create_engine(f"postgresql+psycopg://me@127.0.0.1:{port}/logpond")
    found = sa.inspect(engine)
    assert {"logs", "quarantine", "traffic"} <= {*found.get_table_names()}
    assert found.get_view_names() == ["logs_once"]
    assert found.get_pk_constraint("logs")["constrained_columns"] == []
    assert found.get_indexes("logs") == []
    comments = {column["name"]: column["comment"] for column in found.get_columns("logs")}
    assert "service that wrote" in str(comments["service"])
    logs = sa.Table("logs", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(logs)).scalar()
    assert count == ask(lake.places, COUNT).column(0)[0].as_py()
    engine.dispose()


def test_grafana_asks_as_it_does(lake: Lake, client: psycopg.Connection[Any]) -> None:
    """Its version check, the pickers of its builder, and a series over time."""
    answers = {name: client.execute(asked).fetchall() for name, asked in GRAFANA.items()}
    assert answers["version"] == [(1600,)]
    assert answers["extension"] == []
    assert ("logs",) in answers["tables"]
    assert ("status_code", "integer") in answers["columns"]
    assert len(answers["series"][0]) == 3
    assert answers["series"] == sorted(answers["series"])


@pytest.mark.parametrize(
    "asked",
    [
        "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname='logpond'",
        "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN "
        "pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND "
        "d.classoid='pg_namespace'::regclass ORDER BY nspname",
        "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as "
        "partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM "
        "pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND "
        "d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE c.relnamespace=2200 AND c.relkind "
        "not in ('i','I','c')",
        "SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,"
        "dsc.description FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON "
        "(a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid "
        "AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON "
        "(c.oid=dsc.objoid AND a.attnum = dsc.objsubid) WHERE NOT a.attisdropped ORDER BY a.attnum",
        "SELECT current_schema(),session_user",
        "select distinct nspname from pg_namespace",
        "select table_catalog as database, table_name as name from information_schema.tables "
        "where table_schema ilike 'public'",
    ],
)
def test_other_tools_look_around(client: psycopg.Connection[Any], asked: str) -> None:
    """What DBeaver and dbt ask first has an answer."""
    assert client.execute(asked).fetchall()
