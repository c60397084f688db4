"""Files of a lake are read as tables, at the version that is asked for, and in no other way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.asked import answer
from support.lakes import Lake, events

from lakehouse.duck import connect, named
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.query.ask import Moment, ask, opened

# {0} is the lake, {1} a data file of `logs` that is not in its version 0.
FILES = [
    "SELECT count(*) FROM read_parquet('{0}/logs/date=*/**/*.parquet')",
    "SELECT count(*) FROM parquet_scan('{1}')",
    "SELECT count(*) FROM '{1}'",
    "SELECT (SELECT count(*) FROM '{1}')",
    "WITH x AS (FROM '{1}') SELECT count(*) FROM x",
    "SELECT 1 WHERE EXISTS (FROM read_parquet(['{1}']))",
    "FROM read_parquet('{0}/lo' || 'gs/**/*.parquet')",
    "FROM (SELECT '{1}' AS f) t, LATERAL (FROM read_text(t.f))",
    "FROM logs, LATERAL (FROM read_blob('{1}'))",
    "FROM system.main.read_text('{0}/logs/_delta_log/00000000000000000000.json')",
    "FROM read_text('{0}/logs/_delta_log/*')",
    "FROM read_json_objects('{0}/logs/_delta_log/00000000000000000000.json')",
    "FROM glob('{0}/logs/**')",
    "FROM parquet_metadata('{1}')",
    "FROM parquet_schema('{1}')",
    "FROM parquet_file_metadata('{1}')",
    "FROM parquet_kv_metadata('{1}')",
    "FROM parquet_bloom_probe('{1}', 'service', 'x')",
    "FROM sniff_csv('{0}/logs/_delta_log/00000000000000000000.json')",
    "FROM query('FROM ''{1}''')",
    "FROM query('FROM query(''FROM read_text(''''{1}'''')'')')",
    "FROM query('FROM ' || '''{1}''')",
    "FROM query_table('{1}')",
    "FROM query_table(['logs', '{1}'])",
    "FROM query_table('{0}/logs/' || 'x.parquet')",
    "FROM histogram('{1}', hour)",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM ''{1}'''))",
    "EXPLAIN ANALYZE FROM '{1}'",
    "DESCRIBE '{1}'",
    "SUMMARIZE '{1}'",
    "SHOW '{1}'",
    "UNPIVOT '{1}' ON hour",
    "FROM '{1}' UNION ALL BY NAME FROM logs",
    "WITH RECURSIVE x AS (SELECT 1 AS a UNION FROM read_text('{1}')) FROM x",
    "SELECT list_transform([1], x -> (SELECT count(*) FROM '{1}'))",
]
# What reads the same tables, and no file.
TABLES = [
    "SELECT count(*) AS n FROM logs",
    "SELECT count(*) AS n FROM query('FROM logs')",
    "SELECT count(*) AS n FROM query_table('logs')",
    "SELECT count(*) AS n FROM query_table(logs)",
    "SELECT sum(count)::INT AS n FROM histogram(logs, _offset)",
    "SELECT count(*) AS n FROM logs, range(1)",
    "SELECT count(*) AS n FROM (FROM logs), unnest(['a.csv']) AS t(file)",
    "SELECT count(*) AS n FROM logs WHERE service != 'x/y.parquet'",
]


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """A lake whose `logs` has no rows at version 0, and three at 1."""
    lake.put(events(range(3)))
    return lake


def of_lake(lake: Lake, sql: str) -> str:
    """A statement with the paths of a lake."""
    where = Path(lake.places.lake)
    file = next(where.glob("logs/**/*.parquet"))
    return sql.format(where, file)


def by_ask(lake: Lake, sql: str, at: Moment) -> Any:
    """As the page and MCP ask."""
    return ask(lake.places, sql, at, may_name_files=False).to_pylist()


def by_opened(lake: Lake, sql: str, at: Moment) -> Any:
    """As the wire of PostgreSQL asks."""
    with opened(lake.places, sql, at) as found:
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def by_person(lake: Lake, sql: str, at: Moment) -> Any:
    """As in a terminal, where a statement may name files."""
    return ask(lake.places, sql, at).to_pylist()


WAYS = [by_ask, by_opened, by_person]


@pytest.mark.parametrize("way", WAYS)
def test_no_file_of_a_table_is_read_by_its_name(
    filled: Lake, way: Callable[[Lake, str, Moment], Any]
) -> None:
    """Neither of a version that is not asked for, nor of the log: a refusal in words."""
    for sql in FILES:
        for at in (Moment(version=0), Moment()):
            with pytest.raises(LogpondError) as refused:
                pytest.fail(f"{sql}: {way(filled, of_lake(filled, sql), at)}")
            if way is not by_person:  # there it may be one that DuckDB finds nothing for
                assert "out of reach" in refused.value.what, sql


@pytest.mark.parametrize("way", WAYS)
def test_tables_are_read_in_all_their_ways(
    filled: Lake, way: Callable[[Lake, str, Moment], Any]
) -> None:
    """Each at the version that is asked for."""
    for sql in TABLES:
        assert way(filled, sql, Moment()) == [{"n": 3}], sql
        assert way(filled, sql, Moment(version=0)) in ([{"n": 0}], [{"n": None}]), sql


def test_a_refusal_says_what_names_a_file(filled: Lake) -> None:
    """And where it may be asked."""
    with pytest.raises(SettingsError, match=r"out of reach.*read_text\(\)") as refused:
        by_ask(filled, "FROM read_text('x')", Moment())
    assert "SHOW TABLES" in refused.value.remedy
    with pytest.raises(SettingsError, match=r"out of reach.*x\.csv is a file"):
        by_opened(filled, "FROM 'x.csv'", Moment())
    with pytest.raises(SettingsError, match="in the folder of a table") as refused:
        by_person(filled, of_lake(filled, "FROM '{1}'"), Moment())
    assert "the version that you ask for" in refused.value.remedy


def test_a_file_beside_the_tables_goes_with_them(filled: Lake, tmp_path: Path) -> None:
    """In a terminal: with each table at its version, by a view of it as well."""
    file = tmp_path / "hosts.csv"
    file.write_text("a\n1\n")
    for table in ("logs", "main.logs", "LOGS", "logs_once", "query_table('logs')"):
        for at, rows in ((Moment(), 3), (Moment(version=0), 0)):
            sql = f"SELECT count(*) AS n FROM {table}, '{file}'"
            assert answer(filled, sql, at) == [{"n": rows}], sql


def test_what_only_knows_tables_finds_no_file(filled: Lake) -> None:
    """Functions about tables take the name of one; that of a file is none."""
    for function in ("pragma_table_info", "pragma_show", "pragma_storage_info"):
        with pytest.raises(LogpondError, match=r"does not exist|no table"):
            by_ask(filled, of_lake(filled, f"FROM {function}('{{1}}')"), Moment())


def test_every_function_of_duckdb_that_is_taken_for_harmless_takes_no_path() -> None:
    """By the names of their parameters; one that a later DuckDB gives a path is found here."""
    paths, of_json = {"path", "paths", "file", "files", "uri"}, {"json_each", "json_tree"}
    with connect() as connection:
        sql = "SELECT function_name, parameters FROM duckdb_functions() WHERE function_type IN "
        found = connection.execute(sql + "('table', 'table_macro')").fetchall()
    taken = {name for name, parameters in found if paths & {*parameters}}
    assert "read_parquet" in taken
    assert not taken & (named.HARMLESS | named.OF_TABLES) - of_json
