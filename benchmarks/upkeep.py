"""A day of micro-batches at a 2 s trigger, its time compressed, with upkeep and without.

A pass is made whenever its minutes have gone by in the events' own time. Only the vacuum goes by
the real clock: of a first day it deletes nothing.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pyarrow as pa

from benchmarks.sql import LIMITS, QUERIES, brought, median, raw
from lakehouse import maintenance
from lakehouse.decode import decode
from lakehouse.paths import Places
from lakehouse.settings import Upkeep
from lakehouse.store import Key, Writer
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic
from streaming.upkeep.upkeep import Pass

TRIGGER = timedelta(seconds=2)
FIRST = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Day:
    """Commits of `rows` events each, 2 s apart, to a lake in a folder."""

    places: Places
    rows: int = 100
    settings: Upkeep | None = field(default_factory=Upkeep)
    commits: int = 0
    seconds: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    files: int = 0
    entries: int = 0
    most_files: int = 0
    most_entries: int = 0

    def __post_init__(self) -> None:
        self._began = datetime.now(UTC)
        self._writer = Writer(self.places, LOGS)
        start = int(FIRST.timestamp() * 1e6)
        values = Traffic(7, start, self.rows / 2, Shares(0, 0, 0)).tick(
            start, start + 2 * 10**6, self.rows
        )
        self._events = decode(raw([v for _, v in values], 0, FIRST), LIMITS).events

    def run(self, commits: int) -> None:
        """Go on for so many commits, with the passes that fall into them."""
        minutes = self.settings.every_minutes if self.settings else 0
        every = int(timedelta(minutes=minutes) / TRIGGER)
        for _ in range(commits):
            self._commit()
            if every and self.commits % every == 0:
                self._upkeep()

    def last(self, commits: int) -> float:
        """CPU milliseconds a commit, over the newest ones."""
        return 1e3 * sum(self.seconds[-commits:]) / commits

    def look(self) -> None:
        """Note how many files and log entries there are."""
        self.entries = len(Log(self.places, "logs").names())
        self.files = maintenance.shape(self.places, "logs").files
        self.most_entries = max(self.most_entries, self.entries)
        self.most_files = max(self.most_files, self.files)

    def _commit(self) -> None:
        rows = brought(self._shifted(), FIRST, self.commits)
        began = time.process_time()
        self._writer.append(rows, Key("day/logs", self.commits))
        self.seconds.append(time.process_time() - began)
        self.commits += 1

    def _shifted(self) -> pa.Table:
        now = FIRST + self.commits * TRIGGER
        columns = {
            "timestamp": pa.scalar(now, LOGS.columns.field("timestamp").type),
            "date": pa.scalar(now.date()),
            "hour": pa.scalar(now.hour, LOGS.columns.field("hour").type),
        }
        events = self._events
        for name, value in columns.items():
            at = events.schema.get_field_index(name)
            events = events.set_column(at, name, pa.repeat(value, len(events)))
        return events

    def _upkeep(self) -> None:
        assert self.settings
        self.look()
        began = time.process_time()
        list(Pass(self.places, self.settings, tuple(TABLES.values()), now=self._now)())
        self.passes.append(time.process_time() - began)

    def _now(self) -> datetime:
        """Later than the real time by what was compressed."""
        return max(datetime.now(UTC), self._began + self.commits * TRIGGER)


def upkeep(folder: Path, commits: int = 10_000, rows: int = 100) -> dict[str, float]:
    """A commit at the start and at the end, and a query then; files and log entries at most."""
    day = Day(Places(f"{folder}/day", f"{folder}/day/_checkpoints"), rows)
    day.run(10)
    start = day.last(10)
    day.run(commits - 10)
    day.look()
    return {
        "commits": commits,
        "first_10_ms": start,
        "last_1000_ms": day.last(1000),
        "files_at_most": day.most_files,
        "log_entries_at_most": day.most_entries,
        "pass_cpu_seconds": sum(day.passes) / max(len(day.passes), 1),
        "sql_seconds": median(QUERIES["errors"], day.places.lake),
    }


def rates(folder: Path, rows: int = 1_800_000, files: int = 450) -> dict[str, float]:
    """MB/s of small files made few, and of an hour put in order."""
    found = {}
    for what, columns in (("merge", ()), ("order", LOGS.order_by)):
        lake = f"{folder}/{what}"
        day = Day(Places.at(lake), rows // files, None)
        day.run(files)
        whole = next(iter(maintenance.parts(day.places, "logs")))
        began = time.monotonic()
        maintenance.rewrite(day.places, "logs", whole.keys, columns)
        found[f"{what}_mb_per_second"] = whole.bytes / 1e6 / (time.monotonic() - began)
    return {"mb": whole.bytes / 1e6, "files": files, **found}


@click.command()
@click.argument("folder", type=Path)
@click.option("--commits", default=43_200)
@click.option("--rows", default=100, help="Of a commit.")
@click.option("--without", is_flag=True, help="No upkeep.")
@click.option("--every", default=1800, help="Commits between two lines of figures.")
def main(folder: Path, commits: int, rows: int, without: bool, every: int) -> None:
    """A whole day, with a line of figures for each hour of it."""
    places = Places(f"{folder}/day", f"{folder}/day/_checkpoints")
    day = Day(places, rows, None if without else Upkeep())
    for _ in range(0, commits, every):
        day.run(every)
        day.look()
        seconds = median(QUERIES["errors"], places.lake)
        told = {
            "commits": day.commits,
            "cpu_ms": day.last(min(every, 500)),
            "files": day.files,
            "entries": day.entries,
            "most_files": day.most_files,
            "sql_seconds": seconds,
            "pass_cpu_seconds": sum(day.passes[-12:]) / 12,
        }
        click.echo(json.dumps(told))


if __name__ == "__main__":
    main()
