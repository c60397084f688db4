"""How ingest stands, as it is seen from beside it: when it last brought rows, and what waits."""

from __future__ import annotations

from datetime import UTC, datetime

from lakehouse.errors import BrokerError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.plans import app_id
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.store import lock, objects, table_or_none
from lakehouse.tables.catalog import LOGS

QUERY = "ingest"


def last_arrival(places: Places) -> datetime | None:
    """When the newest batch that brought rows of `logs` was done; None where nobody knows."""
    checkpoint = Checkpoint(places, QUERY)
    manifest, logs = checkpoint.manifest(), table_or_none(places, LOGS)
    if manifest is None or logs is None:
        return None
    batch = logs.transaction_version(app_id(manifest.query_id, LOGS.name))
    done = objects.modified(objects.reader(checkpoint.location), f"commits/{batch}")
    return done and done.astimezone(UTC)


def is_level(places: Places, bootstrap: str) -> bool:
    """Whether ingest runs and has taken every record of its topic.

    Behind a URL nobody knows whether it runs: then it is enough that nothing waits.
    """
    checkpoint = Checkpoint(places, QUERY)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if lock.is_held(places.ledger(QUERY)) is False or manifest is None or progress is None:
        return False
    try:
        ends = kafka.offsets(bootstrap, manifest.topic)
    except BrokerError:
        return False
    taken = checkpoint.end(progress.completed)
    return all(max(taken.get(p, 0), first) >= end for p, (first, end) in ends.items())
