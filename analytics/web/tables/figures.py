"""What tables weigh, how far back they go, what was last done for them, hour by hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from analytics.web.lake.commits import Commit
from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import State
from lakehouse.maintenance.size import SMALL_BYTES
from lakehouse.store.log import Log
from lakehouse.tables.catalog import TABLES

OPTIMIZE, VACUUM = "OPTIMIZE", "VACUUM END"
# So many commits are looked through for what was last done; a busy hour has 1,800.
LOOKED_AT = 10_000
HOURS, LEVELS = 24, 9
SHADES = ("rows", "files", "small_files", "bytes")


@dataclass(frozen=True)
class Done:
    """A commit of upkeep."""

    version: int
    time: datetime


@dataclass(frozen=True)
class Weight:
    """One table at the moment that is shown; None where it is not known, or was never done."""

    name: str
    comment: str
    rows: int
    files: int
    small_files: int
    bytes: int
    version: int
    committed: datetime | None
    oldest_version: int
    oldest_time: datetime | None
    optimized: Done | None
    vacuumed: Done | None


@dataclass(frozen=True)
class Part:
    """A partition: its day, its hour or granularity, and what lies in it."""

    date: date
    slot: str
    rows: int
    files: int
    small_files: int
    bytes: int


@dataclass(frozen=True)
class Cell:
    """A partition in the heat map: `level` is 0 (nothing) to 9 (as much as any has)."""

    slot: str
    level: int
    part: Part | None


def weights(snapshot: Snapshot) -> list[Weight]:
    """Every table that there was at this moment."""
    states = (snapshot.table(name) for name in TABLES)
    return [_weight(snapshot, state) for state in states if state]


def parts(state: State) -> list[Part]:
    """The partitions of a table, newest day first."""
    sums: dict[tuple[date, str], list[int]] = {}
    adds = state.files.adds
    for key, size, rows in zip(
        *(adds[name].to_pylist() for name in ("partition", "size_bytes", "num_records")),
        strict=True,
    ):
        held = sums.setdefault((key["date"], _slot(key)), [0, 0, 0, 0])
        for at, value in enumerate((rows or 0, 1, size < SMALL_BYTES, size)):
            held[at] += value
    newest_first = sorted(sums, key=lambda of: (-of[0].toordinal(), of[1]))
    return [Part(*of, *sums[of]) for of in newest_first]


def heat(found: Iterable[Part], shade: str) -> list[tuple[date, list[Cell]]]:
    """A row a day and a cell an hour, as dark as its share of the most."""
    known = {(part.date, part.slot): part for part in found}
    most = max((getattr(part, shade) for part in known.values()), default=0) or 1
    days = sorted({day for day, _ in known}, reverse=True)
    slots = [f"{hour:02d}" for hour in range(HOURS)]
    return [
        (day, [_cell(slot, known.get((day, slot)), shade, most) for slot in slots]) for day in days
    ]


def _weight(snapshot: Snapshot, state: State) -> Weight:
    log = Log(snapshot.lake.places, state.name)
    oldest = max(log.oldest(), state.oldest_kept)
    done = last_done(snapshot, state)
    small = pc.sum(pc.less(state.files.adds["size_bytes"], SMALL_BYTES)).as_py()
    return Weight(
        name=state.name,
        comment=TABLES[state.name].comment,
        rows=state.rows,
        files=state.files.adds.num_rows,
        small_files=small or 0,
        bytes=state.bytes,
        version=state.version,
        committed=state.committed,
        oldest_version=oldest,
        oldest_time=log.time(oldest),
        optimized=done.get(OPTIMIZE),
        vacuumed=done.get(VACUUM),
    )


def last_done(snapshot: Snapshot, state: State) -> dict[str, Done]:
    """The newest commit of each kind of upkeep; each commit is read once in a server's life."""
    versions = range(state.version, max(-1, state.version - LOOKED_AT), -1)
    done: dict[str, Done] = {}
    for commit in snapshot.lake.commits.of(state.name, versions):
        if commit.operation in (OPTIMIZE, VACUUM) and commit.operation not in done:
            done[commit.operation] = _done(commit)
        if len(done) == 2:
            break
    return done


def _done(commit: Commit) -> Done:
    return Done(commit.version, commit.time)


def _slot(key: dict[str, Any]) -> str:
    return f"{key['hour']:02d}" if "hour" in key else str(key.get("granularity", ""))


def _cell(slot: str, part: Part | None, shade: str, most: int) -> Cell:
    value = getattr(part, shade) if part else 0
    return Cell(slot, min(LEVELS, -(-value * LEVELS // most)), part)
