"""How the lake is doing, as values: its queries, its tables, what waits, what is wrong.

Read from the tables, the checkpoints and, where it answers, Kafka. No JVM; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from analytics.look import lag
from analytics.look.lag import INGEST, Lag
from lakehouse import store
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.maintenance import shape
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.runtime import kafka as topics
from lakehouse.store import lock
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


@dataclass(frozen=True)
class Query:
    """A query that can run: whose lock it runs under, the table it writes, its windows if any."""

    name: str
    lock: str
    writes: str
    rollup: Rollup | None = None


QUERIES = (
    Query(INGEST, INGEST, LOGS.name),
    Query("windows", INGEST, TRAFFIC.name, TRAFFIC),
    Query("minutes", "minutes", MINUTES.name, MINUTES),
)


@dataclass(frozen=True)
class QueryStatus:
    """One query. None where nobody knows, or where it means nothing for the query.

    `lag_seconds` is the age of the oldest record (ingest) or commit of `logs` not yet read;
    `late_rows` came after their window was closed; `rows_per_second` is of the last minute.
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
    """All of it, as of `at`; `rejected` are the rows of quarantine."""

    at: datetime
    lake: str
    kafka: str
    is_kafka_up: bool
    newest_event: datetime | None
    rejected: int | None
    open_incidents: int | None
    queries: list[QueryStatus]
    tables: list[TableStatus]

    @property
    def is_well(self) -> bool:
        """Whether all queries run, as far as anybody knows, and how far behind ingest is."""
        is_down = any(query.is_running is False for query in self.queries)
        return not is_down and self.queries[0].lag_records is not None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def status(
    places: Places, bootstrap: str, now: datetime | None = None, count_late: bool = True
) -> Status:
    """The status of a lake whose Kafka is at `bootstrap`; TableError where there is no table.

    `count_late` reads the last two days of `logs` (some 0.1 s for each million rows); without,
    `late_rows` is None.
    """
    at, names = now or datetime.now(UTC), pinned.names(places)
    if not names:
        raise pinned.absent(places, "")
    is_up = topics.is_up(bootstrap, PATIENCE_SECONDS)
    logs = store.table_or_none(places, LOGS)
    lags = {query.name: lag.of_reader(places, query.name, logs) for query in QUERIES[1:]}
    lags[INGEST] = lag.of_ingest(places, bootstrap) if is_up else None
    tables = [_table(places, name) for name in names]
    return Status(
        at=at,
        lake=places.lake,
        kafka=bootstrap,
        is_kafka_up=is_up,
        newest_event=newest_event(logs),
        rejected=next((of.rows for of in tables if of.name == QUARANTINE.name), None),
        open_incidents=_open_incidents(places),
        queries=[_query(places, one, lags, logs if count_late else None, at) for one in QUERIES],
        tables=tables,
    )


def newest_event(logs: DeltaTable | None) -> datetime | None:
    """The time of the newest event, by the statistics of the files."""
    adds = pa.table(logs.get_add_actions(flatten=True)) if logs else None
    if adds is None or "max.timestamp" not in adds.column_names:
        return None
    found: datetime | None = pc.max(adds["max.timestamp"]).as_py()
    return found


def _query(
    places: Places, of: Query, lags: Mapping[str, Lag | None], logs: DeltaTable | None, at: datetime
) -> QueryStatus:
    checkpoint, found = Checkpoint(places, of.name), lags[of.name]
    progress = checkpoint.progress()
    batch = progress.completed if progress else None
    written = store.table_or_none(places, of.writes)
    return QueryStatus(
        name=of.name,
        is_running=lock.is_held(places.ledger(of.lock)),
        lag_records=found.records if found else None,
        lag_seconds=_seconds(found, at) if found else None,
        rows_per_second=None if of.rollup else rows_per_second(places, written, at),
        last_batch=batch,
        last_commit=last_change(places, written, of.writes),
        watermark=None if batch is None else checkpoint.watermark(batch),
        closed_to=horizon(written) if of.rollup else None,
        late_rows=_late(places, of.rollup, written, logs),
    )


def _seconds(found: Lag, at: datetime) -> float | None:
    if not found.records:
        return 0.0
    return max(0.0, (at - found.since).total_seconds()) if found.since else None


def rows_per_second(places: Places, table: DeltaTable | None, at: datetime) -> float:
    """The rows that commits brought to `logs` in the last minute, a second of it."""
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
    """When rows of a table last changed; commits that only moved rows are passed over."""
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
    return TableStatus(name=name, last_commit=Log(places, name).time(known.version), **vars(known))


def _open_incidents(places: Places) -> int | None:
    found = store.table_or_none(places, ANOMALIES)
    if found is None:
        return None
    return int(found.to_pyarrow_dataset().count_rows(filter=pc.field("status") == "open"))
