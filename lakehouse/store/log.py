"""The Delta log as files: what commits note, and the oldest version that can still be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from lakehouse.errors import TableError
from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import objects
from lakehouse.store.timeline import Timeline
from lakehouse.terminal.render import escaped

COMMIT = re.compile(r"^(\d{20})\.json$")
CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint.*\.parquet$")
ENTRY = re.compile(r"^(\d{20})\.")
PARQUET = b"PAR1"
MENDS = "logpond recover tables"


class Log:
    """The log of one table, which must exist."""

    def __init__(self, places: Places, table: str) -> None:
        self._table, self._root = table, objects.reader(places.table(table))

    def info(self, version: int) -> dict[str, Any] | None:
        """Returns the commitInfo of a version; None where its commit was cleaned up."""
        actions = self.actions(version)
        if actions is None:
            return None
        return next((dict(a["commitInfo"]) for a in actions if "commitInfo" in a), {})

    def actions(self, version: int) -> Iterator[dict[str, Any]] | None:
        """Yields the actions of a version's commit; returns None where it was cleaned up.

        Raises TableError where the entry is not whole.
        """
        content = objects.get(self._root, f"{DELTA_LOG}/{version:020d}.json")
        return None if content is None else self._decoded(version, content)

    def _decoded(self, version: int, content: bytes) -> Iterator[dict[str, Any]]:
        found = decoded(content)
        if found is None:
            raise torn(self._table, f"{DELTA_LOG}/{version:020d}.json")
        return iter(found)

    def time(self, version: int) -> datetime:
        """Returns when a version was committed, which is after its predecessor."""
        return self.timeline().time(version)

    def timeline(self, now: datetime | None = None) -> Timeline:
        """Returns the times of all versions that the log can still rebuild."""
        names = self.names()
        newest = max(_numbers(COMMIT, names) | _numbers(CHECKPOINT, names), default=0)
        stamped = cache(self.stamped)
        return Timeline(oldest_readable(names), newest, stamped, now or datetime.now(UTC))

    def stamped(self, version: int) -> datetime | None:
        """Returns the time that a commit notes itself, by a clock that may have been wrong."""
        try:
            return committed(self.info(version) or {})
        except TableError:
            return None

    def first_torn(self) -> str | None:
        """Returns the lowest commit or checkpoint that is not whole; None where all are."""
        return next((name for _, name in entries(self.names()) if not self.is_whole(name)), None)

    def is_whole(self, name: str) -> bool:
        """Whether a commit or a checkpoint can be read to its end."""
        content = objects.get(self._root, f"{DELTA_LOG}/{name}") or b""
        if COMMIT.match(name):
            return decoded(content) is not None
        return not CHECKPOINT.match(name) or is_parquet(content)

    def names(self) -> list[str]:
        """The names of its files, in any order."""
        return objects.names(self._root, DELTA_LOG)

    def oldest(self) -> int:
        """The oldest version that the log can still rebuild, as all after it."""
        return oldest_readable(self.names())

    def can_rebuild(self, version: int) -> bool:
        """Whether the log has all that a version needs; also one that is kept by itself."""
        listed = self.names()
        commits, start = _numbers(COMMIT, listed), version
        starts = _numbers(CHECKPOINT, listed) | ({0} & commits)
        while start in commits and start not in starts:
            start -= 1
        return start in starts


def is_parquet(content: bytes) -> bool:
    """Whether a Parquet file is complete: it has its first and its last bytes."""
    return len(content) > 2 * len(PARQUET) and content[:4] == content[-4:] == PARQUET


def decoded(content: bytes) -> list[dict[str, Any]] | None:
    """Returns the actions of a log entry; None where a crash of the machine left it incomplete."""
    try:
        found = [msgspec.json.decode(line) for line in content.splitlines() if line.strip()]
    except msgspec.DecodeError:
        return None
    return found if found and all(isinstance(action, dict) for action in found) else None


def torn(table: str, entry: str) -> TableError:
    """Returns the error to raise for a table whose log has an entry that is not whole."""
    return TableError(
        f"table {table} cannot be read: {DELTA_LOG}/{entry} of its log is not whole, as a crash of "
        "the machine leaves it",
        f"its other versions are: go back to them by `{MENDS}`, then take the records again",
    )


def damage(places: Places, table: str, reason: str) -> TableError:
    """Returns the error for a table that cannot be opened: which file is not whole, or `reason`."""
    log = Log(places, table)
    if entry := log.first_torn():
        return torn(table, entry)
    short = " ".join(reason.split())[:200]
    return TableError(
        f"table {table} cannot be read: {escaped(short)}",
        f"a table of other software, or of a newer one, or not whole: `{MENDS}` says which",
    )


def committed(info: Mapping[str, Any]) -> datetime | None:
    """Returns the time in a commit's commitInfo; None where it has no valid one."""
    stamp = info.get("inCommitTimestamp", info.get("timestamp"))
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def oldest_readable(names: Iterable[str]) -> int:
    """Returns the lowest version from which commits run without a gap, by the names of log files.

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
    """Returns the versions that have a checkpoint."""
    return _numbers(CHECKPOINT, names)


def entries(names: Iterable[str]) -> list[tuple[int, str]]:
    """Returns (version, name) of commits, checkpoints and checksums, in order of versions."""
    return sorted((int(found[1]), name) for name in names if (found := ENTRY.match(name)))


def _numbers(kind: re.Pattern[str], names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := kind.match(name))}
