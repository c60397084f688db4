"""Whether each of the producer's incidents is found, how soon, and whether quiet hours are quiet.

`python -m benchmarks.incidents --rates 50,500 --seeds 3` prints a table a rate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from anomaly.commands.series import constants
from anomaly.evaluate.labels import graded, totals
from benchmarks.staged import Played, Show, played
from lakehouse.paths import Places
from producer.traffic.scenarios import INCIDENTS

# Minutes before the first incident, from one to the next, and of each.
FIRST, APART, LONG = 60, 45, 5


@click.command()
@click.option("--rates", default="50", help="Events a second.")
@click.option("--seeds", default=3, help="Shops, each at another hour of the week.")
@click.option("--quiet", default=360, help="Minutes without an incident, for each seed.")
def incidents(rates: str, seeds: int, quiet: int) -> None:
    """Every incident once for each seed, five minutes long; then the same shops left alone."""
    staged = tuple((name, FIRST + APART * i, LONG) for i, name in enumerate(INCIDENTS))
    for rate in rates.split(","):
        shows = [
            Show(seed, float(rate), FIRST + APART * len(staged), staged) for seed in range(seeds)
        ]
        _tell(f"{rate}/s, {seeds} seeds", [_play(show) for show in shows])
        alone = [_play(Show(seed, float(rate), quiet)) for seed in range(seeds)]
        raised = [one.sentence for each in alone for one in each.incidents]
        click.echo(f"{rate}/s, {quiet} quiet minutes of {seeds} seeds: {len(raised)} incidents")
        click.echo("\n".join(raised))


def _play(show: Show) -> Played:
    with tempfile.TemporaryDirectory() as folder:
        done = played(show, Places(folder, f"{folder}/_checkpoints"), constants(None))
    for row in graded(done.labels, done.incidents):
        click.echo(f"seed {show.seed}: {row['kind']}: {row['after_seconds']} s: {row['sentence']}")
    return done


def _tell(title: str, shows: list[Played]) -> None:
    table = Table("incident", "found", "seconds, median", "at most", title=title)
    for row in _rows(shows):
        table.add_row(*map(str, row))
    Console().print(table)
    false = sum(totals(one.labels, one.incidents)["false"] for one in shows)
    click.echo(f"false incidents: {false}")


def _rows(shows: list[Played]) -> Iterator[tuple[object, ...]]:
    every = [row for one in shows for row in graded(one.labels, one.incidents)]
    for kind in INCIDENTS:
        of = [row for row in every if row["kind"] == kind]
        after = [row["after_seconds"] for row in of if row["found"]]
        told = (median(after), max(after)) if after else ("", "")
        yield kind, f"{len(after)} of {len(of)}", *told


if __name__ == "__main__":
    incidents()
