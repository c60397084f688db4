"""The lake for pages: tables are kept open, and DuckDB reads only the files that are needed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import duckdb

from analytics.web.lake.responses import resolved
from analytics.web.lake.table_state import REFRESH_SECONDS, Commits, OpenTable, TableState
from lakehouse import past, store
from lakehouse.duck import CONFIG, Pinned
from lakehouse.errors import LogpondError, TableError
from lakehouse.http.asker import asker, one_of
from lakehouse.paths import Places
from lakehouse.response.actions import Actions
from lakehouse.store.log import Log
from lakehouse.store.tags.naming import nearest
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.terminal.times import NOW, Moment

MEMORY_MB, THREADS, AT_ONCE = 160, 2, 2
# The system's own cache holds the files; a second one in so little memory only costs.
CACHING = {"enable_external_file_cache": False}
TIMEOUT_SECONDS, PATIENCE_SECONDS = 20.0, 5.0
SNAPSHOTS_KEPT = 8
# A vacuum leaves files for an hour at least after others have taken their place.
PAST_SECONDS = 600.0
Values = Sequence[Any] | Mapping[str, Any]
FILL = "fill a lake with `logpond up`, or name another with --lake"
LATER = "ask as of a later moment; Time travel shows when rows came"


@dataclass
class Lake:
    """One lake, read by many requests at once in bounded memory, until `closing` is set."""

    places: Places
    memory_mb: int = MEMORY_MB
    timeout_seconds: float = TIMEOUT_SECONDS
    refresh_seconds: float = REFRESH_SECONDS
    closing: threading.Event = field(default_factory=threading.Event)
    _tables: dict[str, OpenTable] = field(default_factory=dict)
    _snapshots: OrderedDict[Moment, Snapshot] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._duck = duckdb.connect(
            config={**CONFIG, **CACHING, "memory_limit": f"{self.memory_mb}MB", "threads": THREADS}
        )
        for setting in ("TimeZone = 'UTC'", "preserve_insertion_order = false"):
            self._duck.execute(f"SET GLOBAL {setting}")
        self._slots = threading.Semaphore(AT_ONCE)
        self.commits = Commits(self.places)
        self.actions = Actions(self.places)

    def at(self, moment: Moment = NOW) -> Snapshot:
        """Returns the lake at a moment.

        A version is one of `logs`; other tables are as of its time.
        """
        if moment == NOW:
            return Snapshot(self)
        if moment.name:
            tag = nearest(self.places, LOGS.name, moment.name)
            is_own = tag.table == LOGS.name
            moment = Moment(version=tag.version) if is_own else Moment(as_of=tag.time)
        with self._lock:
            if moment not in self._snapshots or self._snapshots[moment].is_outdated:
                self._snapshots[moment] = Snapshot(self, moment, self._time(moment))
            self._snapshots.move_to_end(moment)
            while len(self._snapshots) > SNAPSHOTS_KEPT:
                self._snapshots.popitem(last=False)
            return self._snapshots[moment]

    def newest(self, name: str) -> TableState | None:
        """Returns a table as it is now; None where it does not exist, or is not one of ours."""
        if name not in TABLES:
            return None
        with self._lock:
            table = self._tables.setdefault(name, OpenTable(self.places, name))
        return table.state(self.refresh_seconds)

    def versions(self, names: Sequence[str]) -> tuple[int | None, ...]:
        """Returns the newest versions of tables; they differ once something changed."""
        return tuple(state.version if (state := self.newest(name)) else None for name in names)

    @contextmanager
    def reading(self, tables: Mapping[str, Pinned]) -> Iterator[duckdb.DuckDBPyConnection]:
        """Opens a connection with these tables. Errors of DuckDB are raised as LogpondError."""
        with one_of(self._slots, PATIENCE_SECONDS), self._cursor() as cursor:
            alarm = threading.Timer(self.timeout_seconds, cursor.interrupt)
            alarm.start()
            try:
                for name, table in tables.items():
                    table.create_view(cursor, name)
                yield cursor
            except duckdb.Error as error:
                raise _in_words(error) from error
            finally:
                alarm.cancel()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Opens a connection whose query ends when nobody waits for the answer."""
        with self._duck.cursor() as cursor, asker().calling(cursor.interrupt):
            yield cursor

    def ask(self, sql: str, values: Values, tables: Mapping[str, Pinned]) -> list[dict[str, Any]]:
        """Returns the rows of a query.

        `sql` is our own text; what users wrote is bound by `values`.
        """
        with self.reading(tables) as cursor:
            found = cursor.execute(sql, values)
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def _time(self, moment: Moment) -> datetime:
        if moment.as_of:
            return moment.as_of
        assert moment.version is not None
        newest = store.open_table(self.places, LOGS.name)
        timeline = Log(self.places, LOGS.name).timeline()
        if not timeline.oldest <= moment.version <= timeline.newest:
            for tag in Tags(self.places).valid(newest, LOGS.name):
                if tag.version == moment.version:
                    return tag.time
            if known := past.time_of(self.places, LOGS.name, moment.version):
                return known
            raise TableError(
                f"table {LOGS.name} has no version {moment.version} that can be read",
                f"see `logpond history {LOGS.name}`",
            )
        return timeline.time(moment.version)


@dataclass
class Snapshot:
    """All tables of a lake at one moment, each opened at its first use."""

    lake: Lake
    moment: Moment = NOW
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    opened: float = field(default_factory=time.monotonic)
    _states: dict[str, TableState | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_outdated(self) -> bool:
        """Whether files that it reads may soon be gone: those of now, by which it has the past."""
        return bool(self.past_source) and time.monotonic() - self.opened > PAST_SECONDS

    @property
    def past_source(self) -> str:
        """What rows of `logs` are read from, where Delta has not kept this moment."""
        logs = None if self.is_live else self._states.get(LOGS.name)
        return logs.source if logs and logs.is_past else ""

    @property
    def is_live(self) -> bool:
        """Whether this is the newest state, which keeps changing."""
        return self.moment == NOW

    @cached_property
    def resolved(self) -> list[str]:
        """The incidents that detection has open, and somebody has resolved."""
        return resolved(self)

    def table(self, name: str) -> TableState | None:
        """Returns a table at this moment; None where there was none."""
        with self._lock:
            if name not in self._states:
                self._states[name] = self._state(name)
            return self._states[name]

    def need(self, name: str) -> TableState:
        """Returns a table at this moment. Raises TableError where there was none."""
        found = self.table(name)
        if found is None:
            raise TableError(f"there is no table {name[:40]} in {self.lake.places.lake} yet", FILL)
        return found

    def event_times(self) -> tuple[datetime, datetime]:
        """Returns the times of the oldest and the newest event.

        Raises TableError where `logs` has no row to count from.
        """
        logs = self.need(LOGS.name)
        oldest, newest = logs.oldest("timestamp"), logs.newest("timestamp")
        if oldest is None or newest is None:
            when = "yet" if self.is_live else "at this moment"
            raise TableError(f"{LOGS.name} has no rows {when}", FILL if self.is_live else LATER)
        return oldest, newest

    def ask(self, sql: str, values: Values = (), **tables: Pinned) -> list[dict[str, Any]]:
        """Returns the rows of a query on these tables, which have these names in it."""
        return self.lake.ask(sql, values, tables)

    def _state(self, name: str) -> TableState | None:
        newest = self.lake.newest(name)
        if self.is_live or newest is None:
            return newest
        if self.moment.version is not None and name == LOGS.name:
            return TableState.at(self.lake.places, name, version=self.moment.version)
        try:
            return TableState.at(self.lake.places, name, as_of=self.now)
        except TableError:
            if name == LOGS.name:
                raise
            return None


def _in_words(error: duckdb.Error) -> LogpondError:
    if isinstance(error, duckdb.InterruptException):
        return LogpondError(
            "this took longer than it may, and was stopped",
            "choose a shorter time range, or a service",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return LogpondError(
            "this needs more memory than the page has",
            "choose a shorter time range, or raise LOGPOND_WEB_MEMORY_MB",
        )
    if isinstance(error, duckdb.IOException):
        return TableError(
            "a file of this version is gone: a vacuum deleted it", "choose a newer moment"
        )
    return LogpondError(str(error).split("\n")[0])
