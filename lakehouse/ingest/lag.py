"""How far ingest is behind its topic, asked from outside its process; no JVM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lakehouse.errors import BrokerError
from lakehouse.ingest.plans import app_id
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.store import objects, table_or_none
from lakehouse.tables.catalog import LOGS


@dataclass(frozen=True)
class Lag:
    """How many records or rows wait, the oldest since `since`; None where none does."""

    records: int
    since: datetime | None = None


def lag(places: Places, bootstrap: str) -> Lag | None:
    """The records of the topic that no completed batch took, and how long they wait.

    None where nobody knows: nothing was started yet, or this Kafka does not have the topic.
    """
    manifest = INGEST.checkpoint(places).manifest()
    if manifest is None:
        return None
    try:
        if kafka.describe(bootstrap, manifest.topic).id != manifest.topic_id:
            return None
        unread = unread_offsets(places, bootstrap, manifest.topic)
    except BrokerError:
        return None
    waiting = {partition: offsets.start for partition, offsets in unread.items() if offsets}
    since = kafka.waiting_since(bootstrap, manifest.topic, waiting) if waiting else None
    return Lag(count(unread), since)


def unread_offsets(places: Places, bootstrap: str, topic: str) -> dict[int, range]:
    """The offsets of each partition of the topic that no completed batch took and one can take.

    All of them before the first start. Raises BrokerError where Kafka does not tell.
    """
    checkpoint = INGEST.checkpoint(places)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    taken = checkpoint.end(progress.completed if progress else None) if manifest else {}
    offsets = kafka.offsets(bootstrap, topic, committed=True)
    return {p: range(max(taken.get(p, 0), first), end) for p, (first, end) in offsets.items()}


def count(unread: Mapping[int, range]) -> int:
    """How many records these offsets are."""
    return sum(len(offsets) for offsets in unread.values())


def is_level(places: Places, bootstrap: str) -> bool:
    """Whether ingest runs, and has taken every record of its topic.

    Behind a URL nobody knows whether it runs: then it is enough that nothing waits.
    """
    checkpoint = INGEST.checkpoint(places)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if INGEST.is_running(places) is False or manifest is None or progress is None:
        return False
    try:
        return not count(unread_offsets(places, bootstrap, manifest.topic))
    except BrokerError:
        return False


def last_arrival(places: Places) -> datetime | None:
    """When the newest batch that brought rows of `logs` was completed; None where nobody knows."""
    checkpoint = INGEST.checkpoint(places)
    manifest, logs = checkpoint.manifest(), table_or_none(places, LOGS)
    if manifest is None or logs is None:
        return None
    batch = logs.transaction_version(app_id(manifest.query_id, LOGS.name))
    completed = objects.modified(objects.reader(checkpoint.location), f"commits/{batch}")
    return completed and completed.astimezone(UTC)
