"""The newest rows of `logs` or records of the topic, then each that comes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa

from lakehouse import decode, store
from lakehouse.decode import RAW, Limits
from lakehouse.duck import Pinned, connect
from lakehouse.errors import SettingsError
from lakehouse.paths import Places, is_url
from lakehouse.runtime import kafka
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
SELECTED = ", ".join(f'"{name}"' for name in COLUMNS)


@dataclass(frozen=True)
class EventFilter:
    """Which rows; an empty text fits all. `grep` is a regular expression over their texts."""

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
    """A source of rows to follow: a table or a topic."""

    def history(self, lines: int) -> pa.Table:
        """The newest rows that are there, the newest last."""

    def fresh(self) -> pa.Table:
        """The rows that came since the last call, in order of their time."""


class LakeTail:
    """Rows of `logs` in a folder. Only files that a commit added are read, merged or not."""

    def __init__(self, places: Places, events: EventFilter) -> None:
        if is_url(places.lake):
            raise SettingsError("tail reads a lake in a folder", "give --from kafka")
        self._where, self._given = events.where()
        self._at, self._log = store.open_table(places, LOGS), Log(places, LOGS.name)
        self._seen = self._at.version()
        self._all = Pinned.of(LOGS.name, places.table(LOGS), self._at)

    def history(self, lines: int) -> pa.Table:
        """The newest rows that are there, the newest last; the newest hours are read first."""
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
            return _newest(connection, self._where, self._given, most)


def follow(source: Source, lines: int, stop: threading.Event) -> Iterator[pa.Table]:
    """The last rows, then new ones as they come, until `stop`."""
    if lines:
        yield source.history(lines)
    while not stop.wait(LOOK_SECONDS):
        found = source.fresh()
        if found.num_rows:
            yield found


def filtered(rows: pa.Table, events: EventFilter) -> pa.Table:
    """The rows of `logs` that fit a filter, the newest last, with the columns of a tail."""
    with connect() as connection:
        connection.register(LOGS.name, rows)
        return _newest(connection, *events.where())


def _newest(
    connection: Any, where: str, given: dict[str, Any], most: int | None = None
) -> pa.Table:
    """The newest rows of `logs`, the newest last."""
    limit = "" if most is None else f"LIMIT {most}"
    newest = f"SELECT {SELECTED} FROM logs WHERE {where} ORDER BY timestamp DESC, event_id DESC"
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


MOST_RECORDS, TIMEOUT_SECONDS = 10_000, 5.0


class KafkaTail:
    """Records of a topic before any job has read them, decoded as ingest does.

    Rejects are left out, and counted in `rejects`.
    """

    def __init__(self, bootstrap: str, topic: str, events: EventFilter, limits: Limits) -> None:
        from confluent_kafka import Consumer

        events.where()
        self.rejects = 0
        self._topic, self._filter, self._limits = topic, events, limits
        self._ends = kafka.offsets(bootstrap, topic)
        # no commit, no group: nobody else's reading is touched
        options = {**kafka.QUIET, "enable.auto.commit": False}
        named = {"bootstrap.servers": bootstrap, "group.id": "logpond-tail"}
        self._consumer = Consumer({**named, **options})
        self._assign({p: end for p, (_, end) in self._ends.items()})

    def history(self, lines: int) -> pa.Table:
        """The newest of the last records of each partition, the newest last."""
        back = {p: max(first, end - lines) for p, (first, end) in self._ends.items()}
        left = sum(end - back[p] for p, (_, end) in self._ends.items())
        self._assign(back)
        records: list[Any] = []
        while len(records) < left and (
            found := self._consumer.consume(MOST_RECORDS, TIMEOUT_SECONDS)
        ):
            records += found
        rows = self._decoded(records)
        return rows.slice(max(0, rows.num_rows - lines))

    def fresh(self) -> pa.Table:
        """The rows that came since the last call, in order of their time."""
        return self._decoded(self._consumer.consume(MOST_RECORDS, timeout=0.1))

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    def _assign(self, offsets: dict[int, int]) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.assign([TopicPartition(self._topic, p, o) for p, o in offsets.items()])

    def _decoded(self, records: list[Any]) -> pa.Table:
        good = [record for record in records if record.error() is None]
        columns = [
            [record.value() for record in good],
            [self._topic] * len(good),
            [record.partition() for record in good],
            [record.offset() for record in good],
            [datetime.fromtimestamp(record.timestamp()[1] / 1000, UTC) for record in good],
        ]
        arrays = [pa.array(values, f.type) for values, f in zip(columns, RAW, strict=True)]
        found = decode.decode(pa.RecordBatch.from_arrays(arrays, schema=RAW), self._limits)
        self.rejects += found.rejects.num_rows
        return filtered(found.events, self._filter)
