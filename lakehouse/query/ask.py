"""SQL over the tables of a lake, at any version or time; `ask` is the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakehouse.query.statement import readable, recognise
from lakehouse.terminal.times import NOW, Moment, moment

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from lakehouse.paths import Places

ENGINES = ("duckdb", "spark")


def ask(
    places: Places, sql: str, at: Moment = NOW, spark: Callable[[], SparkSession] | None = None
) -> pa.Table:
    """The answer to one statement that reads, by Spark if it is given, else by DuckDB.

    Raises SettingsError for the statement, TableError for a table or a state that is not there.
    """
    statement = readable(recognise(sql))
    if spark:
        from lakehouse.query import spark as by_spark

        return by_spark.ask(spark(), places, statement, at)
    from lakehouse.query import duckdb as by_duckdb

    return by_duckdb.ask(places, statement, at)


__all__ = ["ENGINES", "NOW", "Moment", "ask", "moment"]
