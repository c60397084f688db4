"""Whether ingest does its work, asked from outside its process: by a health check, in a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.runtime import kafka

INGEST = "ingest"


def ailing(places: Places, bootstrap: str, patience: timedelta) -> str | None:
    """Why it does not: records wait, and no batch ended for so long. None where all is well."""
    checkpoint = Checkpoint(places, INGEST)
    manifest, ended = checkpoint.manifest(), checkpoint.ended()
    if manifest is None:
        return "ingest was not started yet"
    if ended and datetime.now(UTC) - ended < patience:
        return None
    waiting = _waiting(checkpoint, bootstrap, manifest.topic)
    if not waiting:
        return None
    last = f"the last batch ended at {ended:%H:%M:%S} UTC" if ended else "no batch ended yet"
    return f"{last}, and {waiting:,} records wait"


def _waiting(checkpoint: Checkpoint, bootstrap: str, topic: str) -> int:
    """How many records no completed batch has taken."""
    progress = checkpoint.progress()
    taken = checkpoint.end(progress.completed if progress else None)
    kafka.expect(bootstrap)
    ends = kafka.offsets(bootstrap, topic)
    return sum(max(0, end - max(taken.get(p, 0), first)) for p, (first, end) in ends.items())
