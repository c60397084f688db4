"""The Delta log as files: what a commit says of itself, and the oldest version still readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import objects

COMMIT = re.compile(r"^(\d{20})\.json$")
CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint.*\.parquet$")
ENTRY = re.compile(r"^(\d{20})\.")


class Log:
    """The log of one table; it must be there."""

    def __init__(self, places: Places, table: str) -> None:
        self._root = objects.store(places.table(table))

    def info(self, version: int) -> dict[str, Any] | None:
        """The commitInfo of a version, None where its commit was cleaned up."""
        actions = self.actions(version)
        if actions is None:
            return None
        return next((dict(a["commitInfo"]) for a in actions if "commitInfo" in a), {})

    def actions(self, version: int) -> Iterator[dict[str, Any]] | None:
        """What a version's commit did, None where it was cleaned up."""
        content = objects.get(self._root, f"{DELTA_LOG}/{version:020d}.json")
        if content is None:
            return None
        return (msgspec.json.decode(line) for line in content.splitlines() if line.strip())

    def time(self, version: int) -> datetime | None:
        """When a version was committed, None where its commit does not say or was cleaned up."""
        return committed(self.info(version) or {})

    def names(self) -> list[str]:
        """The names of its files, in no order."""
        return objects.names(self._root, DELTA_LOG)

    def oldest(self) -> int:
        """The oldest version that the log can still rebuild."""
        return oldest_readable(self.names())

    def at(self, moment: datetime, newest: int) -> int:
        """The version that was current at a moment; the oldest one where that was before it."""
        low, high = self.oldest(), newest
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._is_by(middle, moment) else (low, middle - 1)
        return low

    def _is_by(self, version: int, moment: datetime) -> bool:
        at = self.time(version)
        return at is not None and at <= moment


def committed(info: Mapping[str, Any]) -> datetime | None:
    """The time of a commit, out of its commitInfo."""
    stamp = info.get("inCommitTimestamp", info.get("timestamp"))
    return None if stamp is None else datetime.fromtimestamp(stamp / 1000, UTC)


def oldest_readable(names: Iterable[str]) -> int:
    """The lowest version from which commits run without a gap, given the files of a log.

    A version needs commit 0 or a checkpoint below it, and each commit in between.
    """
    listed = list(names)
    commits = _numbers(COMMIT, listed)
    starts = _numbers(CHECKPOINT, listed) | ({0} & commits)
    oldest = max(starts | commits, default=0)
    while oldest in commits and oldest - 1 in commits | starts:
        oldest -= 1
    return min((start for start in starts if start >= oldest), default=oldest)


def checkpoints(names: Iterable[str]) -> set[int]:
    """The versions that have a checkpoint."""
    return _numbers(CHECKPOINT, names)


def entries(names: Iterable[str]) -> list[tuple[int, str]]:
    """The files that belong to a version, with it, in order: commits, checkpoints, checksums."""
    return sorted((int(found[1]), name) for name in names if (found := ENTRY.match(name)))


def _numbers(kind: re.Pattern[str], names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := kind.match(name))}
