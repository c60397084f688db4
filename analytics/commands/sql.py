"""The command `sql`: any table by name, on two engines; and OPTIMIZE and VACUUM as statements."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from analytics.commands import upkeep
from lakehouse.paths import Places
from lakehouse.query.ask import ENGINES, ask, moment
from lakehouse.query.upkeep_statement import parse
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.settings import Settings


@click.command()
@click.argument("statement")
@click.option("--version", type=int, metavar="N", help="Read every table at this version.")
@click.option("--as-of", metavar="TIME", help="Read every table as it was then.")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@FORMAT
@with_settings
def sql(
    statement: str,
    version: int | None,
    as_of: str | None,
    engine: str,
    how: str,
    settings: Settings,
) -> None:
    """Ask the tables of the lake by name: one statement, which leaves rows as they are.

    TIME is RFC 3339, a date (its first instant), '10 minutes ago' or -10m; UTC where it names no
    zone. All times are UTC. DuckDB also reads data files that you name: FROM 'hosts.csv'.
    How long an answer may take and how large it may be is in [sql] of the settings. Spark takes
    seconds to start, and knows DESCRIBE HISTORY logs and DESCRIBE DETAIL logs too. OPTIMIZE and
    VACUUM do what the commands of these names do.

    \b
      logpond sql "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
      logpond sql "SELECT COUNT(*) AS rows FROM logs" --as-of "10 minutes ago"
      logpond sql "DESCRIBE logs" --format csv
      logpond sql "DESCRIBE HISTORY logs" --engine spark
      logpond sql "OPTIMIZE logs ZORDER BY (endpoint, status_code)"
    """
    if upkeep_statement := parse(statement):
        upkeep.run(upkeep_statement, how, Places.of(settings))
        return
    at = moment(version, as_of, datetime.now(UTC))
    if at.as_of:
        echo(f"as of {at.as_of:%Y-%m-%d %H:%M:%S} UTC", err=True)
    spark = spark_of(settings) if engine == "spark" else None
    found = ask(Places.of(settings), statement, at, spark, settings.sql)
    render.show(render.Rows.of_arrow(found), how, sys.stdout)


def spark_of(settings: Settings) -> Callable[[], SparkSession]:
    """Starts Spark when it is called, and says so."""

    def start() -> SparkSession:
        from lakehouse.runtime.session import session

        if sys.stderr.isatty():
            echo("starting Spark ...", err=True)
        most = {"spark.driver.maxResultSize": f"{settings.sql.memory_mb}m"}
        return session(settings, "sql", {"spark.ui.port": "0", **most})

    return start
