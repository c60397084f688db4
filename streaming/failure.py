"""Why a query failed, in words with a remedy."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.store import disk
from lakehouse.windows.failure import cause


def explained(error: str, topic: str, places: Sequence[str]) -> LogpondError:
    """The failure of a query in words; Spark's own text where nothing better is known.

    `places` are what it writes to.
    """
    if full := disk.full(error, places):
        return full
    if "OffsetOutOfRange" in error or "data loss" in error.lower() or "dataloss" in error.lower():
        return BrokerError(
            f"Kafka no longer holds the next records of {topic}: its retention removed them",
            "go on from what is there: `logpond recover ingest`; `verify` lists what is lost",
        )
    return LogpondError(f"the ingest query failed: {cause(error)}", "nothing is lost: start again")
