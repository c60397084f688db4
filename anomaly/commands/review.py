"""The command that looks back at what was found: backtest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomaly.commands.lake import METHOD, SINCE, Between, minutes_table, time_of
from anomaly.commands.series import FILE, constants
from lakehouse.paths import Places
from lakehouse.tables.incidents import WITHDRAWN
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from anomaly.engine.incident import Incident

OTHER = click.option("--config", "other", type=FILE, help="Other constants.  [conf/anomaly.toml]")
MAIN_COLUMNS = (
    "found",
    "key",
    "measure",
    "direction",
    "opened",
    "later_minutes",
    "severity",
    "other_severity",
    "sentence",
)
# What only one of both has is left empty.
READS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("severity", "other_severity"), lambda level: level or ""),
    "opened": lambda at: HUMANE["time"](at) if at else "",
    "later_minutes": lambda minutes: "" if minutes is None else f"{minutes:+d}",
}


@click.command()
@with_places
@OTHER
@METHOD
@SINCE
@FORMAT
def backtest(places: Places, other: Path | None, method: str, since: str | None, how: str) -> None:
    """Compare what other constants would have raised with what was raised, without Spark.

    All closed minutes are folded with them. Total silence is left out, and with the plain method
    so are addresses. --since selects what is shown. A row is in `both` where
    key, measure and direction are the same and the times touch. The last line, on standard error,
    has the counts.

    \b
      logpond backtest --config other.toml --since 7d
      logpond backtest --method zscore --since -24h --format csv
    """
    from anomaly.lake.fold import analyse
    from anomaly.review.backtest import totals

    between = time_of(since, "--since"), None
    would = analyse(places, minutes_table(places), constants(other), method, between)
    rows = compared(places, would, between, method)
    _show(rows, how)
    echo(totals(rows), err=True)


def show_change(
    places: Places, would: Iterable[Incident], between: Between, method: str, how: str
) -> None:
    """Prints which incidents would go, stay and come if these were found; the counts last."""
    from anomaly.review.backtest import becomes, totals_of_change

    rows = becomes(compared(places, would, between, method))
    _show(rows, how)
    echo(totals_of_change(rows), err=True)


def compared(
    places: Places, would: Iterable[Incident], between: Between, method: str
) -> list[dict[str, Any]]:
    """Returns the rows of a comparison with what was raised; of what is withdrawn there is none."""
    from anomaly.lake.fold import active_between
    from anomaly.lake.incidents import incidents_if_any
    from anomaly.review.backtest import compare

    raised = [one for one in incidents_if_any(places) if _is_judged_by(method, one)]
    return compare(
        active_between((one for one in raised if one.status != WITHDRAWN), *between),
        [one for one in would if _is_judged_by(method, one)],
    )


def _show(rows: list[dict[str, Any]], how: str) -> None:
    from anomaly.review.backtest import COLUMNS

    columns = MAIN_COLUMNS if how == "table" else COLUMNS
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, READS)


def _is_judged_by(method: str, one: Incident) -> bool:
    """Whether a method can find such an incident: no fold finds silence, z judges no rows.

    Rules of one's own go by no constants.
    """
    from anomaly.engine.incident import SILENCE
    from anomaly.lake.rows.folds import KINDS

    if one.rule or one.direction == SILENCE:
        return False
    return method != "zscore" or one.measure not in KINDS
