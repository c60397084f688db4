"""The newest batches of ingest and the duration of each step, by what they left behind.

Nothing has to run for it: Spark notes the offsets when a batch begins and its end when it is over;
each commit notes when it began, and its file has the time when it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lakehouse import store
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, QUARANTINE

NEWEST = 60
LOOKED_AT = 4 * NEWEST
# A lake that was copied has other times than it was written at.
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Batch:
    """One batch: rows by table, and seconds of each phase; None where they are not known.

    `decode` is from its begin to the first commit, `commit` to the end of the last one, `finish`
    until Spark noted it as done.
    """

    batch: int
    began: datetime | None
    rows: int
    rejects: int
    decode: float | None
    commit: float | None
    finish: float | None


@dataclass(frozen=True)
class _Commit:
    began: datetime
    written: datetime
    rows: int


def batches(places: Places, count: int = NEWEST) -> list[Batch]:
    """Returns the newest completed batches, oldest first."""
    checkpoint = INGEST.checkpoint(places)
    progress = checkpoint.progress()
    if progress is None or progress.completed is None:
        return []
    numbers = range(max(0, progress.completed - count + 1), progress.completed + 1)
    found = {
        table.name: _commits(places, table.name, progress.query_id, numbers)
        for table in (QUARANTINE, LOGS)
    }
    root = objects.reader(checkpoint.location)
    return [_batch(root, number, found) for number in numbers]


def _batch(root: Any, number: int, found: Mapping[str, Mapping[int, _Commit]]) -> Batch:
    began, ended = (objects.modified(root, f"{of}/{number}") for of in ("offsets", "commits"))
    logs, quarantine = (found[table.name].get(number) for table in (LOGS, QUARANTINE))
    commits = [one for one in (quarantine, logs) if one]
    first = min((one.began for one in commits), default=None)
    last = max((one.written for one in commits), default=None)
    return Batch(
        batch=number,
        began=began,
        rows=logs.rows if logs else 0,
        rejects=quarantine.rows if quarantine else 0,
        decode=_seconds(began, first or ended),
        commit=_seconds(first, last),
        finish=_seconds(last, ended),
    )


def _commits(places: Places, table: str, query_id: str, numbers: range) -> dict[int, _Commit]:
    """Returns batch -> commit for these batches."""
    found = store.table_or_none(places, table)
    if found is None:
        return {}
    known: dict[int, _Commit] = {}
    for batch, commit in _newest(places, table, query_id, found.version()):
        if batch < numbers.start:
            break
        known[batch] = commit
    return known


def _newest(
    places: Places, table: str, query_id: str, newest: int
) -> Iterator[tuple[int, _Commit]]:
    """Yields commits of this checkpoint's batches, newest first."""
    log, folder = Log(places, table), objects.reader(places.delta_log(table))
    for version in range(newest, max(-1, newest - LOOKED_AT), -1):
        actions = list(log.actions(version) or ())
        info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
        note, written = store.note_of(info), objects.modified(folder, f"{version:020d}.json")
        begun = [a["add"]["modificationTime"] for a in actions if "add" in a]
        if str(note.get("writer", "")).startswith(f"{query_id}/") and begun and written:
            at = datetime.fromtimestamp(min(begun) / 1000, UTC)
            yield int(note["batch"]), _Commit(at, written, int(note.get("rows", 0)))


def _seconds(first: datetime | None, last: datetime | None) -> float | None:
    if first is None or last is None:
        return None
    took = (last - first).total_seconds()
    # a millisecond may be lost between two clocks
    return max(0.0, round(took, 3)) if -0.01 <= took < LONGEST_SECONDS else None
