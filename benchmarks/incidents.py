"""What is told first of each of the producer's incidents, and how soon.

`python -m benchmarks.incidents` stages 204 of them: six kinds, 34 shops, two rates, some of them in
overlapping pairs. Told is when the minute was over that gave it away, and half a minute later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from random import Random
from statistics import median, quantiles
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from anomaly.commands.series import constants
from anomaly.engine.incident import Incident
from anomaly.evaluate.labels import GRACE, MINUTE, Label
from benchmarks.staged import Played, Show, played
from lakehouse.paths import Places
from producer.traffic.scenarios import INCIDENTS

# Minutes before the first incident, from one to the next, and of each.
FIRST, APART, LONG = 60, 30, 5
# A minute is final so many seconds after its end.
BEHIND = 30.0


@click.command()
@click.option("--rates", default="8,16", help="Events a second, in turn.")
@click.option("--seeds", default=34, help="Shops, each at another hour of the week.")
@click.option("--first", default=0, help="The seed of the first shop.")
@click.option("--overlap", default=4, help="In every so many shops incidents overlap by pairs.")
def incidents(rates: str, seeds: int, first: int, overlap: int) -> None:
    """Every incident once for each seed, five minutes long: what is told first, and how soon."""
    rows: list[Row] = []
    posts = 0
    each_rate = [float(rate) for rate in rates.split(",")]
    for seed in range(first, first + seeds):
        show = _show(seed, each_rate[seed % len(each_rate)], seed % overlap == overlap - 1)
        done = _play(show)
        rows += [_row(label, done, seed) for label in done.labels]
        posts += sum(not one.parent for one in done.incidents)
        click.echo(f"seed {seed}: {_said(rows)}; {posts / len(rows):.2f} posts an incident")
        for one in rows[-len(done.labels) :]:
            if not one.is_named:
                click.echo(f"  {one.kind} at {one.where}: told first: {one.told or 'nothing'}")
        for line in _others(done):
            click.echo(f"  also posted: {line}")
    _show_table(rows)
    click.echo(f"{posts / len(rows):.2f} posts an incident")


class Row(NamedTuple):
    """An incident that was staged: whether its key was told first, and after how many seconds."""

    kind: str
    where: str
    seed: int
    is_named: bool
    after: float | None
    told: str


def _show(seed: int, rate: float, overlaps: bool) -> Show:
    names = [*INCIDENTS]
    Random(seed).shuffle(names)
    apart = APART // 2 if overlaps else APART
    staged = []
    for i, name in enumerate(names):
        # a pair begins within three minutes
        at = FIRST + (i // 2 * 2 * apart + i % 2 * 3 if overlaps else i * apart)
        staged.append((name, at, LONG))
    return Show(seed, rate, staged[-1][1] + APART, tuple(staged))


def _play(show: Show) -> Played:
    with tempfile.TemporaryDirectory() as folder:
        return played(show, Places(folder, f"{folder}/_checkpoints"), constants(None))


def _row(label: Label, done: Played, seed: int) -> Row:
    """Returns what was told of an incident: the first post while it lasts that is of its place."""
    told = [one for one in done.incidents if not one.parent and _is_near(label, one)]
    first = min(told, key=lambda one: (one.opened, not _is_named(label, one)), default=None)
    after = first and (first.opened + MINUTE - label.start).total_seconds()
    where = " ".join(filter(None, (label.service, label.endpoint, label.ip)))
    named = first is not None and _is_named(label, first)
    return Row(
        label.kind, where, seed, named, after and after + BEHIND, first.sentence if first else ""
    )


def _others(done: Played) -> Iterator[str]:
    """Yields the posts that name no incident which was staged, nor its key once more."""
    first = set[str]()
    for label in done.labels:
        near = [one for one in done.incidents if _is_near(label, one) and _is_named(label, one)]
        own = [one for one in near if not one.parent]
        first |= {one.incident_id for one in sorted(own, key=lambda one: one.opened)[:1]}
    for one in sorted(done.incidents, key=lambda one: one.opened):
        if not one.parent and one.incident_id not in first:
            yield f"{one.opened:%H:%M} {one.measure} {one.direction} {one.sentence}"


def _is_near(label: Label, one: Incident) -> bool:
    """Whether a post is of the time of an incident, and not of another place."""
    in_time = label.start - MINUTE < one.opened <= label.end + GRACE
    same_service = not (label.service and one.service) or label.service == one.service
    same_address = not (label.ip and one.ip) or label.ip == one.ip
    return in_time and same_service and same_address and bool(label.ip or not one.ip)


def _is_named(label: Label, one: Incident) -> bool:
    """Whether a post names the key: the address, else the service and the endpoint, if there is."""
    if label.ip:
        return one.ip == label.ip
    return (one.service, one.endpoint) == (label.service, label.endpoint)


def _said(rows: Sequence[Row]) -> str:
    after = [row.after for row in rows if row.after is not None]
    named = sum(row.is_named for row in rows)
    return f"{named} of {len(rows)} named first, told after {median(after):.0f} s in the median"


def _show_table(rows: Sequence[Row]) -> None:
    """Prints a row a kind, and one for all with the spread over seeds."""
    table = Table("incident", "named first", "told", "seconds, median", "quartiles", "at most")
    for kind in (*INCIDENTS, "all"):
        of = [row for row in rows if kind in (row.kind, "all")]
        after = sorted(row.after for row in of if row.after is not None)
        low, middle, high = quantiles(after, n=4) if len(after) > 1 else (after * 3)
        named = f"{sum(row.is_named for row in of)} of {len(of)}"
        spread = f"{low:.0f}-{high:.0f}"
        table.add_row(kind, named, str(len(after)), f"{middle:.0f}", spread, f"{after[-1]:.0f}")
    Console(width=100).print(table)
    shares = sorted(
        sum(row.is_named for row in rows if row.seed == seed) / len(INCIDENTS)
        for seed in {row.seed for row in rows}
    )
    click.echo(f"named first by seed: {shares[0]:.0%} at least, {median(shares):.0%} in the median")


if __name__ == "__main__":
    incidents()
