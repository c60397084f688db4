"""Builders: a lake that notes what each version has, by other means than its ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from support.lakes import Lake
from support.windows import Pond, at, logged

from lakehouse import maintenance, past, store
from lakehouse.duck import connect
from lakehouse.past import checksums
from lakehouse.tables.catalog import LOGS

DAY = timedelta(days=1)
Sums = tuple[int, int]


def checksum(rows: pa.Table) -> int:
    """The checksum of rows, by another program than the ledger's."""
    names = ("_topic", "_partition", "_offset", "_item")
    columns = (rows[name].to_pylist() for name in names)
    texts = (
        f"{topic}|{partition}|{offset}|{-1 if item is None else item}"
        for topic, partition, offset, item in zip(*columns, strict=True)
    )
    halves = (hashlib.md5(text.encode()).digest()[8:] for text in texts)
    return sum(int.from_bytes(half, "little") for half in halves) % 2**64


@dataclass
class Diary:
    """A lake whose `logs` grow; `notes` has rows and checksum of each version of it."""

    lake: Lake
    notes: dict[int, Sums] = field(default_factory=dict)
    now: Sums = (0, 0)

    def __post_init__(self) -> None:
        self.pond = Pond(self.lake)

    @property
    def version(self) -> int:
        """The newest version of `logs`."""
        return store.open_table(self.lake.places, LOGS).version()

    def arrive(self, times: Sequence[datetime], writer: str = "", **columns: Any) -> None:
        """One commit of rows, which is noted."""
        rows = logged(times, **columns)
        self.pond.arrive(rows, writer)
        self.now = self.now[0] + rows.num_rows, (self.now[1] + checksum(rows)) % 2**64
        self.note()

    def note(self) -> None:
        """Note what the newest version has to have."""
        self.notes[self.version] = self.now

    def commits(self, count: int, every: timedelta = timedelta(minutes=2)) -> None:
        """So many commits of some rows, a few of them late, by two writers."""
        for number in range(count):
            first = at(0) + number * every
            late = [first - timedelta(hours=1)] if number % 7 == 3 else []
            writer = "replay-quarantine" if number % 11 == 5 else ""
            self.arrive([first, first + timedelta(seconds=1), *late], writer)

    def trim(self, most: int = 20) -> maintenance.Trimmed:
        """Trim the log of `logs` as it would be in two hours."""
        later = datetime.now(UTC) + timedelta(hours=2)
        return maintenance.trim(self.lake.places, LOGS.name, DAY, most, later)

    def read(self, version: int) -> Sums:
        """Rows and checksum of a version as readers get it."""
        return sums(self.lake, past.state(self.lake.places, LOGS.name, version=version))

    def differing(self, versions: Sequence[int] = ()) -> list[int]:
        """The versions that are not read as they were noted; of many one in four is looked at."""
        looked_at = [*(versions or sorted(self.notes))]
        step = 4 if len(looked_at) > 50 else 1
        return [v for v in looked_at[::step] if self.read(v) != self.notes[v]]


def sums(lake: Lake, state: past.State) -> Sums:
    """Rows and checksum of a state, as it is read."""
    with connect() as connection:
        state.pinned(lake.places.table(LOGS)).create_view(connection, "held")
        return checksums.whole(connection, "held")
