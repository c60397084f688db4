"""What decoding refuses, as the settings of ingest have it."""

from __future__ import annotations

from datetime import timedelta

from lakehouse.decode import Limits
from lakehouse.settings import Ingest


def limits(ingest: Ingest) -> Limits:
    """Returns the limits of decoding by the settings."""
    behind = timedelta(days=ingest.behind_days) if ingest.behind_days else None
    return Limits(timedelta(minutes=ingest.ahead_minutes), behind, ingest.payload_cap)
