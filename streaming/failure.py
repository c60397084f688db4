"""Explains why a query failed, with a remedy."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.runtime.kafka_client import AccessError
from lakehouse.storage import reach
from lakehouse.store import disk
from lakehouse.windows.failure import cause
from streaming.fetch import GONE, SKIP, TOO_LARGE

# What our own fetch and Spark's planning say when records are gone.
LOSS = (GONE, "offsetoutofrange", "data loss", "dataloss")

# How the text of a failed task begins where Kafka refuses an executor.
REFUSED = f"{AccessError.__name__}: "


def explained(error: str, topic: str, places: Sequence[str]) -> LogpondError:
    """Returns the failure of a query as an error with a remedy, or with Spark's text if unknown.

    `places` are the places that it writes to.
    """
    if full := disk.full(error, places):
        return full
    if any(sign in error.lower() for sign in LOSS):
        return BrokerError(
            f"Kafka no longer holds the next records of {topic}: its retention removed them",
            "go on from what is there: `logpond recover ingest`; `verify` lists what is lost",
        )
    if away := reach.fault(Exception(error), places[0]):
        return away
    if REFUSED in error:
        what, _, remedy = error.partition(REFUSED)[2].partition("\n")
        return AccessError(what, remedy.partition("\n")[0].strip())
    if TOO_LARGE in error:
        words = next(line for line in error.splitlines() if TOO_LARGE in line)
        return BrokerError(words.partition("BrokerError: ")[2] or words, SKIP)
    return LogpondError(f"the ingest query failed: {cause(error)}", "nothing is lost: start again")
