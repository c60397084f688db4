"""Commits of a table, each read once: they never change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec

from analytics.look import history
from lakehouse.paths import Places
from lakehouse.store.log import Log

KEPT = 20_000


@dataclass(frozen=True)
class Commit:
    """A version: when, what, by whom, rows added; `newest` is the newest event that it brought."""

    version: int
    time: datetime
    operation: str
    writer: str
    rows: int | None
    newest: datetime | None


@dataclass
class Commits:
    """The commits of one lake's tables, those asked for last kept in memory."""

    places: Places
    _known: OrderedDict[tuple[str, int], Commit | None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, table: str, versions: Iterable[int]) -> Iterator[Commit]:
        """These commits, but for those that were cleaned up or do not say when they were."""
        log = Log(self.places, table)
        with self._lock:
            for version in versions:
                if found := self._one(log, table, version):
                    yield found

    def at(self, table: str, moment: datetime, newest: int) -> int:
        """The version that was current at a moment, the oldest one where that was before it."""
        return Log(self.places, table).at(moment, newest)

    def _one(self, log: Log, table: str, version: int) -> Commit | None:
        key = (table, version)
        if key not in self._known:
            self._known[key] = _read(log, version)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]


def _read(log: Log, version: int) -> Commit | None:
    actions = list(log.actions(version) or ())
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    told = history.version(version, info, oldest=False)
    if told.time is None:
        return None
    added = [action["add"] for action in actions if "add" in action]
    stamps = [stamp for add in added if (stamp := _newest(add))]
    operation, writer = told.operation or "", told.writer or ""
    return Commit(version, told.time, operation, writer, told.rows, max(stamps, default=None))


def _newest(add: dict[str, Any]) -> datetime | None:
    """The newest event of a file that is new; one that was merged only brings nothing."""
    if not add.get("dataChange", True) or not add.get("stats"):
        return None
    found = msgspec.json.decode(add["stats"]).get("maxValues", {}).get("timestamp")
    return None if found is None else datetime.fromisoformat(found)
