"""Commands that look back at what was found: backtest."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from anomaly.commands import FILE, anomaly, constants
from anomaly.lake_commands import METHOD, SINCE, minutes_table, time_of
from lakehouse import render
from lakehouse import settings as settings_file
from lakehouse.options import FORMAT, HUMANE, LAKE
from lakehouse.paths import Places

OTHER = click.option("--config", "other", type=FILE, help="Other constants.  [conf/anomaly.toml]")
SHOWN = ("found", "key", "measure", "direction", "opened", "later_minutes", "severity",
         "other_severity", "sentence")  # fmt: skip
# What only one of both has is left empty.
READS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("severity", "other_severity"), lambda level: level or ""),
    "opened": lambda at: HUMANE["time"](at) if at else "",
    "later_minutes": lambda minutes: "" if minutes is None else f"{minutes:+d}",
}


@anomaly.command()
@LAKE
@OTHER
@METHOD
@SINCE
@FORMAT
def backtest(
    lake: str | None, other: Path | None, method: str, since: str | None, how: str
) -> None:
    """Set what other constants would have raised beside what was raised, without Spark.

    All closed minutes are folded by them; --since selects what is shown. A row is in `both` where
    key, measure and direction are the same and the times touch. The last line, on standard error,
    has the counts.

    \b
      logpond backtest --config other.toml --since 7d
      logpond backtest --method zscore --since -24h --format csv
    """
    from anomaly.backtest import COLUMNS, compared, foldable, totals
    from anomaly.fold import judged, shown
    from anomaly.table import incidents_of
    from lakehouse.store import open_table
    from lakehouse.tables import ANOMALIES

    first = time_of(since, "--since")
    raised = incidents_of(
        open_table(Places.of(settings_file.load(lake=lake)), ANOMALIES).to_pyarrow_table()
    )
    found = judged(minutes_table(lake), constants(other), method)
    rows = compared(shown(foldable(raised), first), shown(found.values(), first))
    columns = SHOWN if how == "table" else COLUMNS
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, READS)
    click.echo(totals(rows), err=True)
