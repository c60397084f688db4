"""Why a query failed, in words with a remedy."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.store import disk
from lakehouse.windows.failure import cause
from streaming.fetch import GONE

# What our own fetch and Spark's planning say when records are gone.
LOSS = (GONE, "offsetoutofrange", "data loss", "dataloss")


def explained(error: str, topic: str, places: Sequence[str]) -> LogpondError:
    """The failure of a query in words; Spark's own text where nothing better is known.

    `places` are what it writes to.
    """
    if full := disk.full(error, places):
        return full
    if any(sign in error.lower() for sign in LOSS):
        return BrokerError(
            f"Kafka no longer holds the next records of {topic}: its retention removed them",
            "go on from what is there: `logpond recover ingest`; `verify` lists what is lost",
        )
    return LogpondError(f"the ingest query failed: {cause(error)}", "nothing is lost: start again")
