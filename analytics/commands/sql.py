"""The command `sql`: any table by name, on two engines; and OPTIMIZE and VACUUM as statements."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakehouse.errors import SettingsError
from lakehouse.past import sources
from lakehouse.paths import Places
from lakehouse.query import search
from lakehouse.query.ask import ENGINES, ask, moment
from lakehouse.query.upkeep_statement import parse
from lakehouse.runtime import rights
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.settings import Settings

# What --where shows without a statement: what a line says, and what of a request says the same.
NEWEST = """
SELECT timestamp, level, service,
    coalesce(message, concat_ws(' ', method, coalesce(path, endpoint))) AS message,
    status_code, response_time
FROM logs ORDER BY timestamp DESC LIMIT 100"""


@click.command()
@click.argument("statement", required=False)
@click.option("--where", metavar="QUERY", help="Only rows of logs that fit a query, see below.")
@click.option("--version", metavar="N|NAME", help="Read every table at this version.")
@click.option("--as-of", metavar="TIME|NAME", help="Read every table as it was then.")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@FORMAT
@with_settings
def sql(
    statement: str | None,
    where: str | None,
    version: str | None,
    as_of: str | None,
    engine: str,
    how: str,
    settings: Settings,
) -> None:
    """Ask the tables of the lake by name: one statement, which leaves rows as they are.

    TIME is RFC 3339, a date (its first instant), '10 minutes ago' or -10m; UTC where it names no
    zone. All times are UTC. A NAME is one that `logpond tag` gave to a version; a table that has no
    version of that name is read as it was at that time. Where Delta has no longer kept a state of
    `logs` or `quarantine`, the ledger of commits says which rows of now were there then; what was
    read is printed first. DuckDB also reads data files that you name: FROM 'hosts.csv'. How long an
    answer may take and how large it may be is in [sql] of the settings. Spark takes seconds to
    start. DESCRIBE HISTORY and DESCRIBE DETAIL have Spark's columns on both engines. OPTIMIZE and
    VACUUM do what the commands of these names do.

    --where takes the query language of Explore (docs/search.md), and needs no statement: it shows
    the newest 100 rows that fit.

    \b
      logpond sql --where 'service:cart level:>=warn -status:200 "timed out"'
      logpond sql "SELECT service, COUNT(*) FROM logs GROUP BY service" --where "status:5xx"
      logpond sql "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
      logpond sql "SELECT COUNT(*) AS rows FROM logs" --as-of "10 minutes ago"
      logpond sql "SELECT COUNT(*) AS rows FROM logs" --version before-deploy
      logpond sql "DESCRIBE logs" --format csv
      logpond sql "DESCRIBE HISTORY logs LIMIT 5" --format json
      logpond sql "OPTIMIZE logs ZORDER BY (endpoint, status_code)"
    """
    now = datetime.now(UTC)
    tree = where and search.parse(where, now)
    if statement is None:
        if not tree:
            raise SettingsError("there is no statement", "give one, or --where QUERY")
        statement = NEWEST
    if (upkeep_statement := parse(statement)) and not tree:
        from analytics.commands import upkeep  # which takes half as long to import as all of this

        upkeep.run(upkeep_statement, how, Places.of(settings))
        return
    at = moment(version, as_of, now)
    if at.as_of:
        echo(f"as of {at.as_of:%Y-%m-%d %H:%M:%S} UTC", err=True)
    spark = spark_of(settings) if engine == "spark" else None
    found = ask(Places.of(settings), statement, at, spark, settings.sql, tree or None)
    for line in sources.of(found):
        echo(line, err=True)
    render.show(render.Rows.of_arrow(found), how, sys.stdout)


def spark_of(settings: Settings) -> Callable[[], SparkSession]:
    """Returns a function that starts Spark, and prints that it does."""

    def start() -> SparkSession:
        from lakehouse.runtime.session import session

        if sys.stderr.isatty():
            echo("starting Spark ...", err=True)
        most = {"spark.driver.maxResultSize": f"{settings.sql.memory_mb}m"}
        return session(_with_place(settings), "sql", {"spark.ui.port": "0", **most})

    return start


def _with_place(settings: Settings) -> Settings:
    """Returns the settings for Spark, whose own files lie in the lake where that can be written.

    For a lake that can only be read it is a temporary folder, which goes with this process.
    """
    state = Path(Places.of(settings).state)
    with suppress(OSError), rights.as_lake():
        state.mkdir(parents=True, exist_ok=True)
    if os.access(state, os.W_OK):
        return settings
    place = tempfile.mkdtemp(prefix="logpond-sql-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return settings.model_copy(update={"lake": place})
