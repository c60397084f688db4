"""The newest rows of `logs`, then each that comes: only files that a commit added are read."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from lakehouse import store
from lakehouse.duck import Pinned, connect
from lakehouse.errors import SettingsError
from lakehouse.paths import Places, is_url
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

LOOK_SECONDS = 0.5
STATUS = re.compile(r"^(?:([1-5])xx|([1-5]\d\d))$", re.IGNORECASE)
COLUMNS = (
    "timestamp",
    "level",
    "service",
    "method",
    "status_code",
    "endpoint",
    "path",
    "response_time",
    "ip",
    "user",
    "event_id",
)
SEARCHED = (
    "event_id",
    "service",
    "endpoint",
    "path",
    "ip",
    "user",
    "app",
    "user_agent",
    "trace_id",
)
CHOSEN = ", ".join(f'"{name}"' for name in COLUMNS)


@dataclass(frozen=True)
class Wanted:
    """Which rows; an empty text is all of them. `grep` is a regular expression over their texts."""

    service: str = ""
    endpoint: str = ""
    status: str = ""
    level: str = ""
    grep: str = ""

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition and its parameters; SettingsError where `status` or `grep` means nothing."""
        clauses, given = ["true"], {}
        for name in ("service", "endpoint"):
            if value := getattr(self, name):
                clauses.append(f'"{name}" = ${name}')
                given[name] = value
        if self.level:
            clauses.append("upper(level) = upper($level)")
            given["level"] = self.level
        if self.status:
            clauses.append("status_code BETWEEN $low AND $high")
            given |= _codes(self.status)
        if self.grep:
            found = " OR ".join(f'regexp_matches("{name}", $grep)' for name in SEARCHED)
            clauses.append(f"({found})")
            given["grep"] = _regular(self.grep)
        return " AND ".join(clauses), given


class Source(Protocol):
    """Where rows come from."""

    def history(self, lines: int) -> pa.Table:
        """The newest rows that are there, the newest last."""

    def fresh(self) -> pa.Table:
        """The rows that came since the last call, in order of their time."""


class LakeTail:
    """Rows out of `logs` in a folder; the files of a commit are read also if they were merged."""

    def __init__(self, places: Places, wanted: Wanted) -> None:
        if is_url(places.lake):
            raise SettingsError("tail reads a lake in a folder", "give --from kafka")
        self._where, self._given = wanted.where()
        self._at, self._log = store.open_table(places, LOGS), Log(places, LOGS.name)
        self._seen = self._at.version()
        self._all = Pinned.of(LOGS.name, places.table(LOGS), self._at)

    def history(self, lines: int) -> pa.Table:
        """The newest rows that are there, the newest last; newest hours are looked at first."""
        hours = self._all.adds["partition"].to_pylist()
        found = self._rows(self._all.only(pa.array([False] * len(hours), pa.bool_())))
        for hour in sorted({(of["date"], of["hour"]) for of in hours}, reverse=True):
            if found.num_rows >= lines:
                break
            of_hour = self._all.only(pa.array([(h["date"], h["hour"]) == hour for h in hours]))
            found = pa.concat_tables([self._rows(of_hour, lines - found.num_rows), found])
        return found

    def fresh(self) -> pa.Table:
        """The rows of the commits since the last call, in order of their time."""
        self._at.update_incremental()
        unread = range(self._seen + 1, self._at.version() + 1)
        self._seen = self._at.version()
        adds = [add for version in unread for add in self._added(version)]
        named = {
            "path": [add["path"] for add in adds],
            "partition": [add["partitionValues"] for add in adds],
        }
        return self._rows(replace(self._all, adds=pa.table(named)))

    def _added(self, version: int) -> list[dict[str, Any]]:
        adds = (a["add"] for a in self._log.actions(version) or [] if "add" in a)
        return [add for add in adds if add["dataChange"]]

    def _rows(self, of: Pinned, most: int | None = None) -> pa.Table:
        with connect() as connection:
            of.create_view(connection, LOGS.name)
            return _asked(connection, self._where, self._given, most)


def follow(source: Source, lines: int, stop: threading.Event) -> Iterator[pa.Table]:
    """The last rows, then new ones as they come, until `stop`."""
    if lines:
        yield source.history(lines)
    while not stop.wait(LOOK_SECONDS):
        found = source.fresh()
        if found.num_rows:
            yield found


def chosen(rows: pa.Table, wanted: Wanted) -> pa.Table:
    """Those of some rows of `logs` that are wanted, with the columns that are shown."""
    with connect() as connection:
        connection.register(LOGS.name, rows)
        return _asked(connection, *wanted.where())


def _asked(connection: Any, where: str, given: dict[str, Any], most: int | None = None) -> pa.Table:
    """The newest rows of `logs`, the newest last."""
    limit = "" if most is None else f"LIMIT {most}"
    newest = f"SELECT {CHOSEN} FROM logs WHERE {where} ORDER BY timestamp DESC, event_id DESC"
    query = f"SELECT * FROM ({newest} {limit}) ORDER BY timestamp, event_id"
    return connection.sql(query, params=given).to_arrow_table()


def _codes(status: str) -> dict[str, int]:
    found = STATUS.match(status)
    if not found:
        raise SettingsError(f"--status {status!r} is no status", "write one as 404 or 5xx")
    if found[1]:
        return {"low": int(found[1]) * 100, "high": int(found[1]) * 100 + 99}
    return {"low": int(found[2]), "high": int(found[2])}


def _regular(pattern: str) -> str:
    """The pattern, if DuckDB's engine (RE2) can read it."""
    import duckdb

    try:
        with connect() as connection:
            connection.execute("SELECT regexp_matches('', $1)", [pattern])
    except duckdb.Error:
        raise SettingsError(f"--grep {pattern!r} is no regular expression") from None
    return pattern
