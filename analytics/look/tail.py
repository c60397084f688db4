"""The newest rows of `logs` or records of a topic, then each new one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa

from lakehouse import decode, store
from lakehouse.decode import RAW, Limits, record_time
from lakehouse.duck import Pinned, connect
from lakehouse.errors import BrokerError, SettingsError
from lakehouse.formats.reading import Reading
from lakehouse.paths import Places, is_url
from lakehouse.query import search
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_client import QUIET, is_of_group
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

LOOK_SECONDS = 0.5
STATUS = re.compile(r"^(?:([1-5])xx|([1-5]\d\d))$", re.IGNORECASE)
COLUMNS = (
    "timestamp",
    "level",
    "service",
    "message",
    "host",
    "logger",
    "method",
    "status_code",
    "endpoint",
    "path",
    "response_time",
    "ip",
    "user",
    "exception",
    "attributes",
    "event_id",
)
SEARCHED = (
    "message",
    "exception",
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
    """Which rows; an empty text fits all. `grep` is a regular expression over their texts.

    `query` is in the query language of logs.
    """

    service: str = ""
    endpoint: str = ""
    status: str = ""
    level: str = ""
    grep: str = ""
    query: str = ""

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition and its parameters; SettingsError where one of them means nothing."""
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
        dialect, values = search.bound("query")
        clauses.append(search.condition(search.parse(self.query, datetime.now(UTC)), dialect))
        return " AND ".join(clauses), given | values


class Source(Protocol):
    """A source of rows to follow: a table or a topic."""

    def history(self, lines: int) -> pa.Table:
        """Returns the newest existing rows, newest last."""

    def fresh(self) -> pa.Table:
        """Returns the rows that came since the last call, in order of their time."""


class LakeTail:
    """Follows rows of `logs` in a folder.

    Reads only files that a commit added, even if merged since.
    """

    def __init__(self, places: Places, events: EventFilter) -> None:
        if is_url(places.lake):
            raise SettingsError("tail reads a lake in a folder", "give --from kafka")
        self._where, self._given = events.where()
        self._at, self._log = store.open_table(places, LOGS), Log(places, LOGS.name)
        self._seen = self._at.version()
        pinned = Pinned.of(LOGS.name, places.table(LOGS), self._at)
        self._all = pinned.with_columns(LOGS.columns)

    def history(self, lines: int) -> pa.Table:
        """Returns the newest existing rows, newest last; the newest hours are read first."""
        hours = self._all.adds["partition"].to_pylist()
        found = self._rows(self._all.only(pa.array([False] * len(hours), pa.bool_())))
        for hour in sorted({(of["date"], of["hour"]) for of in hours}, reverse=True):
            if found.num_rows >= lines:
                break
            of_hour = self._all.only(pa.array([(h["date"], h["hour"]) == hour for h in hours]))
            found = pa.concat_tables([self._rows(of_hour, lines - found.num_rows), found])
        return found

    def fresh(self) -> pa.Table:
        """Returns the rows of the commits since the last call, in order of their time."""
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
    """Yields the last rows, then new ones as they come, until `stop`."""
    if lines:
        yield source.history(lines)
    while not stop.wait(LOOK_SECONDS):
        found = source.fresh()
        if found.num_rows:
            yield found


def filtered(rows: pa.Table, events: EventFilter) -> pa.Table:
    """Returns the rows of `logs` that a filter selects, newest last, with the columns of a tail."""
    with connect() as connection:
        connection.register(LOGS.name, rows)
        return _newest(connection, *events.where())


def _newest(
    connection: Any, where: str, given: dict[str, Any], most: int | None = None
) -> pa.Table:
    """Returns the newest rows of `logs`, newest last."""
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
    """Returns the pattern. Raises SettingsError where DuckDB's engine (RE2) cannot read it."""
    import duckdb

    try:
        with connect() as connection:
            connection.execute("SELECT regexp_matches('', $1)", [pattern])
    except duckdb.Error:
        raise SettingsError(f"--grep {pattern!r} is no regular expression") from None
    return pattern


MOST_RECORDS, TIMEOUT_SECONDS = 10_000, 5.0
# How often it is looked for partitions that are new.
TOPIC_SECONDS = 10.0


class KafkaTail:
    """Follows records of a topic before any job has read them, decoded as ingest does.

    Rejects are left out, and counted in `rejects`.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        events: EventFilter,
        limits: Limits,
        reading: Reading | None = None,
    ) -> None:
        from confluent_kafka import Consumer

        events.where()
        self.rejects = 0
        self._topic, self._filter, self._limits = topic, events, limits
        self._readings = {topic: reading} if reading else {}
        self._connection, self._ends = connection, kafka.offsets(connection, topic)
        self._looked = time.monotonic()
        # no commit, no group: nobody else's reading is touched
        options = {**QUIET, "enable.auto.commit": False}
        named = {**connection.client(), "group.id": "logpond-tail"}
        self._consumer = Consumer({**named, **options})
        self._assign({p: end for p, (_, end) in self._ends.items()})

    def history(self, lines: int) -> pa.Table:
        """Returns the newest of the last records of each partition, newest last."""
        back = {p: max(first, end - lines) for p, (first, end) in self._ends.items()}
        left = sum(end - back[p] for p, (_, end) in self._ends.items())
        self._assign(back)
        records: list[Any] = []
        while len(records) < left and (found := self._came(TIMEOUT_SECONDS)):
            records += found
        rows = self._decoded(records)
        return rows.slice(max(0, rows.num_rows - lines))

    def fresh(self) -> pa.Table:
        """Returns the rows that came since the last call, in order of their time."""
        if time.monotonic() - self._looked > TOPIC_SECONDS:
            self._take_up()
        return self._decoded(self._came(0.1))

    def close(self) -> None:
        """Ends the connection to Kafka."""
        self._consumer.close()

    def _take_up(self) -> None:
        """Takes up the partitions that the topic gained, from their first record on."""
        from confluent_kafka import TopicPartition

        with suppress(BrokerError):
            found = kafka.offsets(self._connection, self._topic)
            new = {p: first for p, (first, _) in found.items() if p not in self._ends}
            self._consumer.incremental_assign(
                [TopicPartition(self._topic, p, first) for p, first in new.items()]
            )
            self._ends |= {p: found[p] for p in new}
        self._looked = time.monotonic()

    def _came(self, seconds: float) -> list[Any]:
        """Returns the records that came within so long."""
        came = self._consumer.consume(MOST_RECORDS, seconds)
        return [each for each in came if not is_of_group(each)]

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
        ]
        arrays = [pa.array(values, f.type) for values, f in zip(columns, RAW, strict=False)]
        taken = pa.array([record.timestamp()[1] for record in good], pa.int64())
        raw = pa.RecordBatch.from_arrays([*arrays, record_time.of_millis(taken)], schema=RAW)
        found = decode.decode(raw, self._limits, self._readings)
        self.rejects += found.rejects.num_rows
        return filtered(found.events, self._filter)
