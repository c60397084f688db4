"""The lag of ingest behind its topic, seen from outside its process; no JVM."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lakehouse.errors import BrokerError
from lakehouse.ingest.plans import app_id
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_client import AccessError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store import objects, table_or_none
from lakehouse.tables.catalog import LOGS


@dataclass(frozen=True)
class Lag:
    """How many records or rows wait, the oldest since `since`; None where none does.

    `by_topic` says how many of each topic, where they are records.
    """

    records: int
    since: datetime | None = None
    by_topic: dict[str, int] = field(default_factory=dict)


Unread = dict[str, dict[int, range]]


def lag(places: Places, connection: Connection) -> Lag | None:
    """Returns the records of the topics that no completed batch took, and how long they wait.

    None where it is unknown: nothing was started yet, or this Kafka does not have the topics.
    Raises AccessError where it refuses to say.
    """
    manifest = INGEST.checkpoint(places).manifest()
    if manifest is None:
        return None
    try:
        found = kafka.TopicsClient(connection, manifest.topics).describe()
        if any(topic.id != manifest.ids[name] for name, topic in found.items()):
            return None
        unread = unread_offsets(places, connection, manifest.topics)
    except AccessError:
        raise
    except BrokerError:
        return None
    waiting = {
        topic: {partition: offsets.start for partition, offsets in of.items() if offsets}
        for topic, of in unread.items()
    }
    since = kafka.waiting_since(connection, waiting) if any(waiting.values()) else None
    return Lag(count(unread), since, {topic: count({topic: of}) for topic, of in unread.items()})


def unread_offsets(places: Places, connection: Connection, topics: Collection[str]) -> Unread:
    """Returns the offsets of each partition that no completed batch took, but one can take.

    Before the first start these are all. Raises BrokerError where Kafka does not answer.
    """
    checkpoint = INGEST.checkpoint(places)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    taken = checkpoint.end(progress.completed if progress else None) if manifest else {}
    bounds = kafka.TopicsClient(connection, topics).bounds(committed=True)
    return {
        topic: {
            p: range(max(taken.get(topic, {}).get(p, 0), first), end)
            for p, (first, end) in of.items()
        }
        for topic, of in bounds.items()
    }


def count(unread: Mapping[str, Mapping[int, range]]) -> int:
    """Returns how many records these offsets have."""
    return sum(len(offsets) for of in unread.values() for offsets in of.values())


def is_level(places: Places, connection: Connection) -> bool:
    """Whether ingest runs, and has taken every record of its topics.

    Behind a URL it is unknown whether it runs: there only the records count.
    """
    checkpoint = INGEST.checkpoint(places)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if INGEST.is_running(places) is False or manifest is None or progress is None:
        return False
    try:
        return not count(unread_offsets(places, connection, manifest.topics))
    except BrokerError:
        return False


def last_arrival(places: Places) -> datetime | None:
    """Returns when the newest batch that added rows to `logs` was completed; None if unknown."""
    checkpoint = INGEST.checkpoint(places)
    manifest, logs = checkpoint.manifest(), table_or_none(places, LOGS)
    if manifest is None or logs is None:
        return None
    batch = logs.transaction_version(app_id(manifest.query_id, LOGS.name))
    completed = objects.modified(objects.reader(checkpoint.location), f"commits/{batch}")
    return completed and completed.astimezone(UTC)
