"""SQL over the tables of a lake, at any version or time; `ask` is the way in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.errors import SettingsError
from lakehouse.query import pinned, values
from lakehouse.query.limits import not_of_logs
from lakehouse.query.search import Node
from lakehouse.query.statement import Kind, readable, recognise
from lakehouse.terminal.times import NOW, Moment, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from duckdb import DuckDBPyRelation
    from pyspark.sql import SparkSession

    from lakehouse.paths import Places
    from lakehouse.settings import Sql

ENGINES = ("duckdb", "spark")


def ask(
    places: Places,
    sql: str,
    at: Moment = NOW,
    spark: Callable[[], SparkSession] | None = None,
    limits: Sql | None = None,
    where: Node | None = None,
    may_name_files: bool = True,
    times: Mapping[str, datetime] | None = None,
) -> pa.Table:
    """The answer to one statement that reads, by Spark if it is given, else by DuckDB.

    The statement sees only those rows of `logs` that fit `where`; data files that it names are
    read by DuckDB alone, and only where it may name some. `times`, for DuckDB, are its parameters:
    with `from` it may say `$from`. Raises SettingsError for the
    statement, or where the answer takes more than `limits`; TableError for a table or a state that
    is not there.
    """
    statement = readable(recognise(sql))
    if where and statement.kind is not Kind.READ:
        raise not_of_logs()
    if statement.kind is Kind.ABOUT and at != NOW:
        raise SettingsError(
            f"{statement.verb} is about a table and its history as they are now",
            "ask as of now, without a version or a time",
        )
    pinned.refuse_unknown(places, at)
    if statement.kind is Kind.LIST:
        return pa.table({"name": pa.array(_names(places), pa.string())})
    if spark:
        from lakehouse.query import spark as by_spark

        found = by_spark.ask(spark(), places, statement, at, limits, where)
    else:
        from lakehouse.query import duckdb as by_duckdb

        found = by_duckdb.ask(places, statement, at, limits, where, may_name_files, times or {})
    return values.within_python(found).replace_schema_metadata(found.schema.metadata)


@contextmanager
def opened(
    places: Places, sql: str, at: Moment = NOW, limits: Sql | None = None, zone: str = "UTC"
) -> Iterator[DuckDBPyRelation]:
    """Yields the rows of a statement as `ask` answers it without files, yet to be read, by DuckDB.

    So an answer of any size can go out piece by piece. All of it is in the limits of time: what is
    done in the block as well. `zone` is the zone of times as text.
    """
    from lakehouse.duck import connect
    from lakehouse.query import duckdb as by_duckdb

    statement = readable(recognise(sql))
    if statement.kind is Kind.READ:
        pinned.refuse_unknown(places, at)
        with by_duckdb.opened(places, statement, at, limits, zone) as found:
            yield found
        return
    rows = ask(places, sql, at, limits=limits)
    with connect() as connection:
        yield connection.from_arrow(rows)


def _names(places: Places) -> list[str]:
    from lakehouse.query import file_tables

    return [*pinned.names(places), *file_tables.names(places)]


__all__ = ["ENGINES", "NOW", "Moment", "ask", "moment", "opened"]
