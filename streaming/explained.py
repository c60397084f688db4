"""Why a query failed, in words with a remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lakehouse import disk
from lakehouse.errors import BrokerError, CheckpointError, LogpondError

# The last line that names an exception, Java's or a Python worker's, is the first cause.
CAUSE = re.compile(r"^\s*(?:Caused by: |: )?([\w.]+(?:Error|Exception)\b.*)", re.MULTILINE)
# The next commits of logs, or files of them, are gone: the query was away for too long.
BEHIND = ("DELTA_VERSIONS_NOT_CONTIGUOUS", "DELTA_FILE_NOT_FOUND", "FileNotFoundException",
          "DELTA_LOG_FILE_NOT_FOUND", "DELTA_STREAMING_CANNOT_CONTINUE")  # fmt: skip


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
    return LogpondError(f"the ingest query failed: {_cause(error)}", "nothing is lost: start again")


def explained_windows(error: Exception, places: Sequence[str]) -> LogpondError:
    """The failure of the windows query in words."""
    if isinstance(error, LogpondError):
        return error
    if full := disk.full(error, places):
        return full
    if any(sign in str(error) for sign in BEHIND):
        return CheckpointError(
            "the windows query was away for so long that the commits of logs it would read next "
            "are gone",
            "`logpond recover windows`: it starts anew, and closes what is not closed; no row of "
            "logs is left out",
        )
    return LogpondError(
        f"the windows query failed: {_cause(str(error))}",
        "nothing is lost: start again; ingest stopped between two batches",
    )


def _cause(error: str) -> str:
    named: list[str] = CAUSE.findall(error)
    return (named[-1] if named else error.split("\n", 1)[0])[:500]
