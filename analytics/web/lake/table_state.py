"""A table held open: refreshed by the commits that are new, and given out as values."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse import store
from lakehouse.duck import Pinned
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.log import FOLDER, Log
from lakehouse.windows.horizon import horizon

REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class State:
    """A table at a version: its files, when it was committed, up to when its windows are closed."""

    name: str
    version: int
    committed: datetime | None
    oldest_kept: int
    horizon: datetime | None
    files: Pinned

    @classmethod
    def of(cls, places: Places, name: str, at: DeltaTable) -> State:
        """A table as it is opened."""
        version, files = at.version(), Pinned.of(name, places.table(name), at)
        committed = Log(places, name).time(version)
        return cls(name, version, committed, store.oldest_kept(at), horizon(at), files)

    @classmethod
    def at(cls, places: Places, name: str, **moment: Any) -> State:
        """A table at `version` or `as_of`; TableError where it has no such state."""
        return cls.of(places, name, store.open_table(places, name, **moment))

    @property
    def rows(self) -> int:
        """Rows, by the statistics of the files."""
        return int(pc.sum(self.files.adds["num_records"]).as_py() or 0)

    @property
    def bytes(self) -> int:
        """Bytes of the files."""
        return int(pc.sum(self.files.adds["size_bytes"]).as_py() or 0)

    def newest(self, column: str) -> Any:
        """The greatest value of a column that has statistics; None where there is no row."""
        adds = self.files.adds
        return pc.max(pc.struct_field(adds["max"], column)).as_py() if adds.num_rows else None

    def oldest(self, column: str) -> Any:
        """The least value of a column that has statistics; None where there is no row."""
        adds = self.files.adds
        return pc.min(pc.struct_field(adds["min"], column)).as_py() if adds.num_rows else None

    def between(self, column: str, first: Any, end: Any) -> Pinned:
        """The files that may have rows from `first` up to `end`; open where None."""
        adds, keep = self.files.adds, pc.scalar(True)
        if not adds.num_rows:
            return self.files
        if first is not None:
            keep = pc.greater_equal(pc.struct_field(adds["max"], column), first)
        if end is not None:
            below = pc.less(pc.struct_field(adds["min"], column), end)
            keep = below if first is None else pc.and_(keep, below)
        if first is None and end is None:
            return self.files
        return self.files.only(pc.fill_null(keep, True))


@dataclass
class Held:
    """The newest state of a table, looked for every so often at most, whoever asks."""

    places: Places
    name: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _table: DeltaTable | None = None
    _state: State | None = None
    _born: datetime | None = None
    _looked: float = -REFRESH_SECONDS

    def state(self, refresh_seconds: float = REFRESH_SECONDS) -> State | None:
        """The table as it is now, None where there is none."""
        with self._lock:
            if time.monotonic() - self._looked >= refresh_seconds:
                self._refresh()
                self._looked = time.monotonic()
            return self._state

    def _refresh(self) -> None:
        if self._table is None or self._born != self._commit_written():
            self._open()
            return
        try:
            self._table.update_incremental()
        except DeltaError:
            self._open()
        self._take()

    def _open(self) -> None:
        self._table, self._state = store.table_or_none(self.places, self.name), None
        self._take()

    def _take(self) -> None:
        if self._table is None or (self._state and self._state.version == self._table.version()):
            return
        self._state = State.of(self.places, self.name, self._table)
        self._born = self._commit_written()

    def _commit_written(self) -> datetime | None:
        """When the commit of our version was written: another time tells that the table is new."""
        if self._state is None:
            return None
        root = objects.reader(f"{self.places.table(self.name)}/{FOLDER}")
        return objects.modified(root, f"{self._state.version:020d}.json")
