"""SQL by Spark: big batches, and what only its SQL knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lakehouse.errors import LogpondError, SettingsError
from lakehouse.event.schema import struct_type
from lakehouse.past import State, sources
from lakehouse.paths import Places
from lakehouse.query import (
    file_tables,
    once,
    open_windows,
    pinned,
    spark_files,
    spark_plans,
)
from lakehouse.query.about import named
from lakehouse.query.limits import not_of_logs, too_long
from lakehouse.query.search import SPARK, Node, condition
from lakehouse.query.statement import Kind, Statement
from lakehouse.query.statement import about as asked_about
from lakehouse.settings import Sql
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import Moment

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession


def ask(
    spark: SparkSession,
    places: Places,
    statement: Statement,
    moment: Moment,
    limits: Sql | None = None,
    where: Node | None = None,
) -> pa.Table:
    """The answer to one statement that reads, over each table that it mentions at a moment.

    Of `logs` it has the rows that fit `where`. Raises SettingsError where it takes longer than
    `limits`, or does not read the `logs` that `where` is about.
    """
    from pyspark.errors import PySparkException
    from pyspark.logger import PySparkLogger

    # It prints each fault of a statement with its stack trace; here a fault is words.
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    views: list[str] = []
    try:
        is_about = statement.kind is Kind.ABOUT
        sql = _about(places, statement) if is_about else statement.sql
        spark_plans.check(_parsed(spark, sql), is_about)
        with _in_time(spark, limits):
            tables = _create_views(spark, places, statement, moment, where, views)
            if where and LOGS.name not in views:
                raise not_of_logs()
            return sources.noted(spark.sql(sql).toArrow(), moment, tables.values())
    except PySparkException as error:
        raise _in_words(places, error) from error
    finally:
        for name in views:
            spark.catalog.dropTempView(name)


def _create_views(
    spark: SparkSession,
    places: Places,
    statement: Statement,
    moment: Moment,
    where: Node | None,
    views: list[str],
) -> dict[str, State]:
    """A view, noted in `views`, for each table that Spark says it misses; returns their states.

    That of `logs` has the rows that fit `where`, before any other is made of it.
    """
    from pyspark.errors import AnalysisException

    tables: dict[str, State] = {}
    while statement.kind is not Kind.ABOUT:
        try:
            # an EXPLAIN would have the fault in its answer
            spark.sql(statement.explained)
            return tables
        except AnalysisException as error:
            if once.is_once(_missing(error)) and once.ONCE not in views:
                views.append(once.ONCE)
                if LOGS.name not in views:
                    views.append(LOGS.name)
                    tables = pinned.pin(places, [LOGS.name], moment) | tables
                    _create_view(spark, places, LOGS.name, tables, moment, where)
                spark.sql(once.select("EXCEPT")).createOrReplaceTempView(once.ONCE)
                continue
            files = file_tables.known(places, _missing(error))
            name = files.name if files else pinned.known(places, _missing(error))
            if name is None or name in views:
                raise
            views.append(name)
            if files:
                spark_files.rows(spark, files.at(moment)).createOrReplaceTempView(_quoted(name))
                continue
            tables = open_windows.pin(places, name, moment) | tables
            _create_view(spark, places, name, tables, moment, where)
    return tables


def _missing(error: PySparkException) -> str:
    """The table that Spark does not find; empty where it has another fault."""
    if error.getCondition() != "TABLE_OR_VIEW_NOT_FOUND":
        return ""
    name = (error.getMessageParameters() or {}).get("relationName", "")
    return name.removeprefix("`").removesuffix("`").replace("``", "`")


def _create_view(
    spark: SparkSession,
    places: Places,
    name: str,
    tables: dict[str, State],
    moment: Moment,
    where: Node | None,
) -> None:
    """A table as it lies there; a rollup with its open windows, `logs` with the rows that fit."""
    at = tables[name]
    reader = spark.read.format("delta").option("versionAsOf", at.table.version())
    stored, rollup = reader.load(places.table(name)), ROLLUPS.get(name)
    stored = stored.where(at.past.everywhere()) if at.past else stored
    if name == LOGS.name:
        # columns that came after this version are NULL in it
        later = [f for f in struct_type(LOGS.columns) if f.name not in stored.columns]
        nothing = (f"CAST(NULL AS {f.dataType.simpleString()}) AS `{f.name}`" for f in later)
        stored = stored.selectExpr("*", *nothing)
        stored = stored.where(condition(where, SPARK)) if where else stored
    if rollup is None:
        stored.createOrReplaceTempView(f"`{name}`")
        return
    opened = spark.createDataFrame(open_windows.open_part(places, rollup, tables, moment))
    both = open_windows.union(rollup, at, "{stored}", "{opened}", _quoted)
    given: dict[str, Any] = {"opened": opened} | ({} if at.is_recount else {"stored": stored})
    spark.sql(both, **given).createOrReplaceTempView(f"`{name}`")


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _about(places: Places, statement: Statement) -> str:
    """DESCRIBE HISTORY and DETAIL want a path, as no catalog knows the tables."""
    what, wanted, rest = asked_about(statement)
    name = named(places, wanted)
    return f"DESCRIBE {what} delta.`{places.table(name).replace('`', '``')}` {rest}"


def _parsed(spark: Any, sql: str) -> Any:
    """The plan of a statement, of which nothing is run."""
    return spark._jsparkSession.sessionState().sqlParser().parsePlan(sql)


@contextmanager
def _in_time(spark: SparkSession, limits: Sql | None) -> Iterator[None]:
    """Cancel what runs when time is over, and what is still planned then as soon as it runs."""
    if limits is None:
        yield
        return
    done, is_over = threading.Event(), threading.Event()

    def cancel() -> None:
        while not done.wait(1.0 if is_over.is_set() else limits.seconds):
            is_over.set()
            spark.sparkContext.cancelAllJobs()

    threading.Thread(target=cancel, daemon=True).start()
    try:
        yield
    except Exception:
        if is_over.is_set():
            raise too_long(limits) from None
        raise
    finally:
        done.set()


def _in_words(places: Places, error: PySparkException) -> LogpondError:
    if missing := _missing(error):
        return pinned.absent(places, missing)
    text = str(error).split("\n\nJVM stacktrace")[0].split(";\n'")[0]
    return SettingsError(escaped(text, keep="\n"))
