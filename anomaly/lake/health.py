"""Whether detection does its work, asked from outside its process: by a health check."""

from __future__ import annotations

from datetime import timedelta

from lakehouse.ingest.queries import INGEST, MINUTES
from lakehouse.paths import Places


def ailing(places: Places, patience: timedelta) -> str | None:
    """Why it does not: ingest went on for so long without it. None where all is well."""
    taken, looked = INGEST.checkpoint(places).ended(), MINUTES.checkpoint(places).ended()
    if taken is None or (looked and taken - looked < patience):
        return None
    last = f"the last look ended at {looked:%H:%M:%S} UTC" if looked else "no look ended yet"
    return f"{last}, the last batch of ingest at {taken:%H:%M:%S} UTC"
