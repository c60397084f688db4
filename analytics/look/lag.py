"""What each query has yet to read: records of the topic, or rows of `logs`, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from deltalake import DeltaTable

from lakehouse.errors import BrokerError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.maintenance.readers import readers
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

INGEST = "ingest"


@dataclass(frozen=True)
class Lag:
    """How many records or rows wait, the oldest since `since`; None where none does."""

    records: int
    since: datetime | None = None


def of_ingest(places: Places, bootstrap: str) -> Lag | None:
    """The records of the topic that no completed batch took.

    None where nobody knows: nothing was started yet, or this Kafka does not have the topic.
    """
    checkpoint = Checkpoint(places, INGEST)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None:
        return None
    try:
        if kafka.describe(bootstrap, manifest.topic).id != manifest.topic_id:
            return None
        ends = kafka.offsets(bootstrap, manifest.topic)
    except BrokerError:
        return None
    taken = checkpoint.end(progress.completed if progress else None)
    left = {p: (max(taken.get(p, 0), first), end) for p, (first, end) in ends.items()}
    waiting = {p: first for p, (first, end) in left.items() if first < end}
    since = kafka.waiting_since(bootstrap, manifest.topic, waiting) if waiting else None
    return Lag(sum(end - first for first, end in left.values()), since)


def of_reader(places: Places, query: str, logs: DeltaTable | None) -> Lag | None:
    """The rows of `logs` that a query has yet to read; None where it was never started."""
    reads = readers(places, str(logs.metadata().id)) if logs else iter(())
    reader = next((one for one in reads if one.query == query), None)
    if reader is None or logs is None:
        return None
    log = Log(places, LOGS.name)
    if reader.is_first:
        return Lag(logs.count(), log.time(reader.version))
    unread = range(reader.version, logs.version() + 1)
    rows = {version: _rows(log, version) for version in unread}
    first = next((version for version, count in rows.items() if count), None)
    return Lag(sum(rows.values()), None if first is None else log.time(first))


def _rows(log: Log, version: int) -> int:
    """Rows that a commit brought; none where it only moved rows, or was cleaned up."""
    adds = [a["add"] for a in log.actions(version) or [] if "add" in a]
    counts = (msgspec.json.decode(add.get("stats") or "{}") for add in adds if add["dataChange"])
    return sum(of.get("numRecords", 0) for of in counts)
