"""The lake as pages see it: tables held open, DuckDB over the files that a question needs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from analytics.web.lake.commits import Commits
from analytics.web.lake.table_state import REFRESH_SECONDS, Held, State
from lakehouse.duck import CONFIG, Pinned
from lakehouse.errors import LogpondError, TableError
from lakehouse.paths import Places
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal.times import NOW, Moment

MEMORY_MB, THREADS, AT_ONCE = 160, 2, 2
# The system's own cache holds the files; a second one in so little memory only costs.
CACHING = {"enable_external_file_cache": False}
PATIENCE_SECONDS = 20.0
SNAPSHOTS_KEPT = 8
Values = Sequence[Any] | Mapping[str, Any]
FILL = "fill a lake with `logpond up`, or name another with --lake"


@dataclass
class Lake:
    """One lake, read by many requests at once, until `closing`; DuckDB's memory is bounded."""

    places: Places
    memory_mb: int = MEMORY_MB
    patience_seconds: float = PATIENCE_SECONDS
    refresh_seconds: float = REFRESH_SECONDS
    closing: threading.Event = field(default_factory=threading.Event)
    _held: dict[str, Held] = field(default_factory=dict)
    _past: OrderedDict[Moment, Snapshot] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._duck = duckdb.connect(
            config={**CONFIG, **CACHING, "memory_limit": f"{self.memory_mb}MB", "threads": THREADS}
        )
        for setting in ("TimeZone = 'UTC'", "preserve_insertion_order = false"):
            self._duck.execute(f"SET GLOBAL {setting}")
        self._turn = threading.Semaphore(AT_ONCE)
        self.commits = Commits(self.places)

    def at(self, moment: Moment = NOW) -> Snapshot:
        """The lake at a moment; a version is one of `logs`, and the others as they were then."""
        if moment == NOW:
            return Snapshot(self)
        with self._lock:
            if moment not in self._past:
                self._past[moment] = Snapshot(self, moment, self._time(moment))
            self._past.move_to_end(moment)
            while len(self._past) > SNAPSHOTS_KEPT:
                self._past.popitem(last=False)
            return self._past[moment]

    def newest(self, name: str) -> State | None:
        """A table as it is now, None where there is none."""
        with self._lock:
            held = self._held.setdefault(name, Held(self.places, name))
        return held.state(self.refresh_seconds)

    def versions(self, names: Sequence[str]) -> tuple[int | None, ...]:
        """The newest versions of tables: what to look at in order to see that something changed."""
        return tuple(state.version if (state := self.newest(name)) else None for name in names)

    @contextmanager
    def reading(self, tables: Mapping[str, Pinned]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own with these tables in it; what fails does so in words."""
        with self._turn, self._duck.cursor() as cursor:
            alarm = threading.Timer(self.patience_seconds, cursor.interrupt)
            alarm.start()
            try:
                for name, table in tables.items():
                    table.create_view(cursor, name)
                yield cursor
            except duckdb.Error as error:
                raise _in_words(error) from error
            finally:
                alarm.cancel()

    def ask(self, sql: str, values: Values, tables: Mapping[str, Pinned]) -> list[dict[str, Any]]:
        """The rows of a question of ours; what comes from people is in `values`, bound."""
        with self.reading(tables) as cursor:
            found = cursor.execute(sql, values)
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def _time(self, moment: Moment) -> datetime:
        if moment.as_of:
            return moment.as_of
        assert moment.version is not None
        State.at(self.places, LOGS.name)
        at = Log(self.places, LOGS.name).time(moment.version)
        if at is None:
            raise TableError(
                f"table {LOGS.name} has no version {moment.version} that can be read",
                f"see `logpond history {LOGS.name}`",
            )
        return at


@dataclass
class Snapshot:
    """Every table of a lake at one moment, each opened when it is first asked for."""

    lake: Lake
    moment: Moment = NOW
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _states: dict[str, State | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_live(self) -> bool:
        """Whether this is the newest state, which goes on to change."""
        return self.moment == NOW

    def table(self, name: str) -> State | None:
        """A table at this moment, None where there was none."""
        with self._lock:
            if name not in self._states:
                self._states[name] = self._state(name)
            return self._states[name]

    def need(self, name: str) -> State:
        """A table that must be there."""
        found = self.table(name)
        if found is None:
            raise TableError(f"there is no table {name} in {self.lake.places.lake} yet", FILL)
        return found

    def ask(self, sql: str, values: Values = (), **tables: Pinned) -> list[dict[str, Any]]:
        """The rows of a question over these tables, by the names that they have in it."""
        return self.lake.ask(sql, values, tables)

    def _state(self, name: str) -> State | None:
        newest = self.lake.newest(name)
        if self.is_live or newest is None:
            return newest
        if self.moment.version is not None and name == LOGS.name:
            return State.at(self.lake.places, name, version=self.moment.version)
        try:
            return State.at(self.lake.places, name, as_of=self.now)
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
