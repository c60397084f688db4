"""The status of a lake as values: queries, tables, lag, faults.

It is read from tables, checkpoints and, where it answers, Kafka. It needs no JVM and writes
nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.ingest import queries
from lakehouse.ingest.lag import Lag, lag
from lakehouse.maintenance import shape
from lakehouse.maintenance.readers import lag_of_reader
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.runtime import kafka as topics
from lakehouse.runtime.kafka_client import AccessError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store.log import Log, committed
from lakehouse.tables.catalog import ANOMALIES, LOGS, QUARANTINE
from lakehouse.tables.rollups import MINUTES, ROLLUPS, TRAFFIC, Rollup
from lakehouse.windows.check import late_rows
from lakehouse.windows.horizon import horizon

RATE_SECONDS = 60
MOST_LOOKED_AT = 500
PATIENCE_SECONDS = 2.0
KEEPS_ROWS = (
    "CREATE TABLE",
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
    "SET TBLPROPERTIES",
    "ADD COLUMN",
)


# What each query is looked at by: the last table that it commits to, and its windows if any.
WRITES: dict[queries.Query, tuple[str, Rollup | None]] = {
    queries.INGEST: (LOGS.name, None),
    queries.WINDOWS: (TRAFFIC.name, TRAFFIC),
    queries.MINUTES: (MINUTES.name, MINUTES),
}


@dataclass(frozen=True)
class QueryStatus:
    """One query; a field is None where it is unknown, or does not apply to the query.

    `lag_seconds` is the age of the oldest record (ingest) or commit of `logs` not yet read;
    `late_rows` came after their window was closed; `rows_per_second` is of the last minute;
    `held_by` is the process that runs it, or that was the last one heard of: program, host, since.
    """

    name: str
    is_running: bool | None
    lag_records: int | None
    lag_seconds: float | None
    rows_per_second: float | None
    last_batch: int | None
    last_commit: datetime | None
    watermark: datetime | None
    closed_to: datetime | None
    late_rows: int | None
    held_by: str | None = None


@dataclass(frozen=True)
class TableStatus:
    """One table as it is now; `rows` is None where a file does not say."""

    name: str
    rows: int | None
    files: int
    small_files: int
    bytes: int
    version: int
    oldest_version: int
    last_commit: datetime | None


@dataclass(frozen=True)
class Status:
    """The status of a lake at the time `at`; `rejected` counts the rows of quarantine."""

    at: datetime
    lake: str
    kafka: str
    is_kafka_up: bool
    newest_event: datetime | None
    rejected: int | None
    open_incidents: int | None
    queries: list[QueryStatus]
    tables: list[TableStatus]
    waiting: dict[str, int] = field(default_factory=dict)
    kafka_refuses: str = ""

    @property
    def is_well(self) -> bool:
        """Whether no query is known to be down, and the lag of ingest is known."""
        is_down = any(query.is_running is False for query in self.queries)
        return not is_down and self.queries[0].lag_records is not None

    def as_dict(self) -> dict[str, Any]:
        """Returns the state as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class Backlog:
    """What Kafka answers: whether it is up, and how far ingest is behind (None if unknown).

    `refuses` says why it does not tell: a password, a certificate, a missing right.
    """

    is_kafka_up: bool = False
    lag: Lag | None = None
    refuses: str = ""


def backlog(places: Places, connection: Connection) -> Backlog:
    """Asks Kafka, which takes seconds where it does not answer."""
    try:
        is_up = topics.is_up(connection, PATIENCE_SECONDS)
        return Backlog(is_up, lag(places, connection) if is_up else None)
    except AccessError as error:
        return Backlog(is_kafka_up=True, refuses=f"{error.what}: {error.remedy}")


def status(
    places: Places,
    connection: Connection | None,
    now: datetime | None = None,
    count_late: bool = True,
    known: Backlog | None = None,
) -> Status:
    """Returns the status of a lake and its Kafka. Raises TableError where there is no table.

    With `known` Kafka is not asked. `count_late` reads the last two days of `logs` (some 0.1 s for
    each million rows); without it `late_rows` is None.
    """
    at, names = now or datetime.now(UTC), pinned.readable(places)
    if not names:
        raise pinned.absent(places, "")
    known = known or (backlog(places, connection) if connection else Backlog())
    logs = store.table_or_none(places, LOGS)
    lags = {query: lag_of_reader(places, query.name, logs) for query in queries.STREAMS[1:]}
    lags[queries.INGEST] = known.lag
    tables = [_table(places, name) for name in names]
    return Status(
        at=at,
        lake=places.lake,
        kafka=str(connection or ""),
        is_kafka_up=known.is_kafka_up,
        newest_event=newest_event(logs),
        rejected=next((of.rows for of in tables if of.name == QUARANTINE.name), None),
        open_incidents=_open_incidents(places),
        queries=[_query(places, of, lags[of], logs if count_late else None, at) for of in WRITES],
        tables=tables,
        waiting=known.lag.by_topic if known.lag else {},
        kafka_refuses=known.refuses,
    )


def newest_event(logs: DeltaTable | None) -> datetime | None:
    """Returns the time of the newest event, from the statistics of the files."""
    adds = store.data_files(logs, flatten=True) if logs else None
    if adds is None or "max.timestamp" not in adds.column_names:
        return None
    found: datetime | None = pc.max(adds["max.timestamp"]).as_py()
    return found


def _query(
    places: Places, of: queries.Query, found: Lag | None, logs: DeltaTable | None, at: datetime
) -> QueryStatus:
    checkpoint, (writes, rollup) = of.checkpoint(places), WRITES[of]
    progress = checkpoint.progress()
    batch = progress.completed if progress else None
    written = store.table_or_none(places, writes)
    holding = of.holder(places)
    return QueryStatus(
        name=of.name,
        is_running=holding.is_held,
        lag_records=found.records if found else None,
        lag_seconds=_seconds(found, at) if found else None,
        rows_per_second=None if rollup else rows_per_second(places, written, at),
        last_batch=batch,
        last_commit=last_change(places, written, writes),
        watermark=None if batch is None else checkpoint.watermark(batch),
        closed_to=horizon(written) if rollup else None,
        late_rows=_late(places, rollup, written, logs),
        held_by=str(holding.by) if holding.by else None,
    )


def _seconds(found: Lag, at: datetime) -> float | None:
    if not found.records:
        return 0.0
    return max(0.0, (at - found.since).total_seconds()) if found.since else None


def rows_per_second(places: Places, table: DeltaTable | None, at: datetime) -> float:
    """Returns the rows a second that commits added to `logs` in the last minute."""
    if table is None:
        return 0.0
    log, rows = Log(places, LOGS.name), 0
    for version in range(table.version(), -1, -1):
        info = log.info(version) or {}
        time = committed(info)
        if time is None or at - time > timedelta(seconds=RATE_SECONDS):
            break
        rows += store.note_of(info).get("rows", 0)
    return rows / RATE_SECONDS


def last_change(places: Places, table: DeltaTable | None, name: str) -> datetime | None:
    """Returns when rows of a table last changed; commits that only moved rows do not count."""
    if table is None:
        return None
    log, newest = Log(places, name), table.version()
    infos = (log.info(v) or {} for v in range(newest, max(-1, newest - MOST_LOOKED_AT), -1))
    return next((committed(i) for i in infos if i.get("operation") not in KEEPS_ROWS), None)


def _late(
    places: Places, rollup: Rollup | None, table: DeltaTable | None, logs: DeltaTable | None
) -> int | None:
    closed = horizon(table)
    if rollup is None or table is None or logs is None or closed is None:
        return None
    return late_rows(places, ROLLUPS[rollup.name], table, logs, (closed - timedelta(days=1)).date())


def _table(places: Places, name: str) -> TableStatus:
    known = shape(places, name)
    return TableStatus(
        name=name, last_commit=Log(places, name).stamped(known.version), **vars(known)
    )


def _open_incidents(places: Places) -> int | None:
    found = store.table_or_none(places, ANOMALIES)
    if found is None:
        return None
    return int(found.to_pyarrow_dataset().count_rows(filter=pc.field("status") == "open"))
