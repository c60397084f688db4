"""Tables that are kept open and refreshed by new commits; their states, and their commits."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from threading import Lock
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from analytics.look import history
from analytics.look.operations import Operations
from lakehouse import past, store
from lakehouse.duck import Pinned, connect
from lakehouse.past import State
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.log import Log
from lakehouse.tables.catalog import TABLES
from lakehouse.windows.horizon import horizon

REFRESH_SECONDS = 0.5
TIME = "timestamp"
NEWEST_FILES = 64


@dataclass(frozen=True)
class TableState:
    """A table at a version: its files, its commit time, and the horizon of its windows.

    `source` says what it is read from, where it is not the newest. With `is_past` it is made of the
    rows of now by the ledger of commits; `newest_in_part` is the newest time among rows of files
    that have others too, which are counted as far as they are meant.
    """

    name: str
    version: int
    committed: datetime | None
    oldest_kept: int
    horizon: datetime | None
    files: Pinned
    source: str = ""
    is_past: bool = False
    newest_in_part: datetime | None = None

    @classmethod
    def of(cls, places: Places, at: State) -> TableState:
        """Returns what pages need of a state."""
        files = at.pinned(places.table(at.name)).with_columns(TABLES[at.name].columns)
        committed = at.past.time if at.past else Log(places, at.name).stamped(at.version)
        kept = store.oldest_kept(at.table)
        return cls(at.name, at.version, committed, kept, horizon(at.table), files)

    @classmethod
    def at(cls, places: Places, name: str, **moment: Any) -> TableState:
        """Returns a table at `version` or `as_of`. Raises TableError where it has no such state."""
        found = past.state(places, name, **moment)
        made, is_past = cls.of(places, found), found.past is not None
        files, newest = _counted(made.files) if is_past else (made.files, None)
        return replace(
            made, source=found.source, files=files, is_past=is_past, newest_in_part=newest
        )

    @property
    def rows(self) -> int:
        """Number of rows, by the statistics of the files."""
        return int(pc.sum(self.files.adds["num_records"]).as_py() or 0)

    @property
    def bytes(self) -> int:
        """Size of the files [bytes]."""
        return int(pc.sum(self.files.adds["size_bytes"]).as_py() or 0)

    def newest(self, column: str) -> Any:
        """Returns the greatest value of a column with statistics; None where there is no row."""
        if column == TIME and self.newest_in_part:
            whole = self.files.only(pc.invert(self.files.is_cut()))
            return max(filter(None, (self.newest_in_part, _greatest(whole.adds, column))))
        return _greatest(self.files.adds, column)

    def oldest(self, column: str) -> Any:
        """Returns the least value of a column with statistics; None where there is no row."""
        adds = self.files.adds
        return pc.min(pc.struct_field(adds["min"], column)).as_py() if adds.num_rows else None

    def newest_files(self, column: str, rows: int) -> Pinned:
        """The files with the greatest values of a column, as many as hold so many rows.

        At most NEWEST_FILES: small files cost by their number.
        """
        adds = self.files.adds
        if not adds.num_rows:
            return self.files
        greatest = pc.struct_field(adds["max"], column)
        order = pc.sort_indices(greatest, sort_keys=[("", "descending")]).to_pylist()
        counts = adds["num_records"].take(pa.array(order[:NEWEST_FILES])).to_pylist()
        before = accumulate((count or 0 for count in counts), initial=0)
        kept = {at for at, held in zip(order, before, strict=False) if held < rows}
        kept &= {*order[:NEWEST_FILES]}
        return self.files.only(pa.array([at in kept for at in range(adds.num_rows)]))

    def written_since(self, moment: datetime, most: int) -> Pinned:
        """Returns the files that were written since a time, the newest `most` of them."""
        written = self.files.adds["modification_time"]
        recent = pc.greater_equal(written, int(moment.timestamp() * 1000))
        files = self.files.only(recent)
        order = pc.sort_indices(files.adds, sort_keys=[("modification_time", "descending")])
        return replace(files, adds=files.adds.take(order[:most]))

    def between(self, column: str, first: Any, end: Any) -> Pinned:
        """Returns the files that may have rows from `first` up to `end`; None means no limit."""
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


def _greatest(adds: pa.Table, column: str) -> Any:
    return pc.max(pc.struct_field(adds["max"], column)).as_py() if adds.num_rows else None


def _counted(files: Pinned) -> tuple[Pinned, datetime | None]:
    """Returns files with the rows that are meant of each, and the newest time of those in part.

    Of several files of one partition the first has all rows in part.
    """
    is_cut = files.is_cut()
    if not pc.any(is_cut).as_py():
        return files, None
    names = [*files.keys, "count(*)", f"max({TIME})" if TIME in files.columns else "NULL"]
    with connect() as connection:
        files.only(is_cut).create_view(connection, "in_part")
        found = connection.execute(f"SELECT {', '.join(names)} FROM in_part GROUP BY ALL")
        rows = {tuple(values): (count, newest) for *values, count, newest in found.fetchall()}
    newest = max(filter(None, (of for _, of in rows.values())), default=None)
    adds = files.adds
    parts, known = adds["partition"].to_pylist(), adds["num_records"].to_pylist()
    counts = [
        rows.pop(tuple(part[key] for key in files.keys), (0, None))[0] if cut else count
        for cut, part, count in zip(is_cut.to_pylist(), parts, known, strict=True)
    ]
    place = adds.schema.get_field_index("num_records")
    counted = adds.set_column(place, "num_records", pa.array(counts, pa.int64()))
    return replace(files, adds=counted), newest


@dataclass
class OpenTable:
    """A table that is kept open; it looks for new commits at most every `refresh_seconds`."""

    places: Places
    name: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _table: DeltaTable | None = None
    _state: TableState | None = None
    _committed: datetime | None = None
    _looked_at: float = -REFRESH_SECONDS

    def state(self, refresh_seconds: float = REFRESH_SECONDS) -> TableState | None:
        """Returns the table as it is now; None where there is none."""
        with self._lock:
            if time.monotonic() - self._looked_at >= refresh_seconds:
                self._refresh()
                self._looked_at = time.monotonic()
            return self._state

    def _refresh(self) -> None:
        if self._table is None or self._committed != self._commit_file_time():
            self._open()
            return
        try:
            self._table.update_incremental()
        except DeltaError:
            self._open()
        self._update_state()

    def _open(self) -> None:
        self._table, self._state = store.table_or_none(self.places, self.name), None
        self._update_state()

    def _update_state(self) -> None:
        if self._table is None or (self._state and self._state.version == self._table.version()):
            return
        self._state = TableState.of(self.places, State.of(self.name, self._table))
        self._committed = self._commit_file_time()

    def _commit_file_time(self) -> datetime | None:
        """Returns when the file of our commit was written; another one if it was made anew."""
        if self._state is None:
            return None
        root = objects.reader(self.places.delta_log(self.name))
        return objects.modified(root, f"{self._state.version:020d}.json")


COMMITS_KEPT = 20_000


@dataclass(frozen=True)
class Commit:
    """One version of a table; `rows` were added, `newest` is the newest event among them.

    `what` says in words what it did.
    """

    version: int
    time: datetime
    what: str
    operation: str
    writer: str
    rows: int | None
    newest: datetime | None


@dataclass
class Commits:
    """The commits of one lake's tables. They never change, so those read last are cached."""

    places: Places
    _known: OrderedDict[tuple[str, int], Commit | None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._operations = Operations(self.places)

    def of(self, table: str, versions: Iterable[int]) -> Iterator[Commit]:
        """Yields these commits, without those that were cleaned up or have no time."""
        log = Log(self.places, table)
        with self._lock:
            for version in versions:
                if found := self._one(log, table, version):
                    yield found

    def at(self, table: str, moment: datetime, newest: int) -> int:
        """Returns the version that was current at a moment; before the oldest, the oldest."""
        return min(Log(self.places, table).timeline().at(moment), newest)

    def _one(self, log: Log, table: str, version: int) -> Commit | None:
        key = (table, version)
        if key not in self._known:
            self._known[key] = _read(log, table, version, self._operations)
            if len(self._known) > COMMITS_KEPT:
                self._known.popitem(last=False)
        return self._known[key]


def _read(log: Log, table: str, version: int, operations: Operations) -> Commit | None:
    actions = list(log.actions(version) or ())
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    known = history.version(version, info, oldest=False, what=operations.of(table, info))
    if known.time is None:
        return None
    added = [action["add"] for action in actions if "add" in action]
    stamps = [stamp for add in added if (stamp := _newest(add))]
    return Commit(
        version=version,
        time=known.time,
        what=known.what,
        operation=known.operation or "",
        writer=known.writer or "",
        rows=known.rows,
        newest=max(stamps, default=None),
    )


def _newest(add: dict[str, Any]) -> datetime | None:
    """Returns the newest event of an added file; None where its rows were only moved."""
    if not add.get("dataChange", True) or not add.get("stats"):
        return None
    found = msgspec.json.decode(add["stats"]).get("maxValues", {}).get("timestamp")
    return None if found is None else datetime.fromisoformat(found)
