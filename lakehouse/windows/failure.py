"""Explains why a query that closes windows failed, with a remedy."""

from __future__ import annotations

import re

from lakehouse.errors import CheckpointError, LogpondError
from lakehouse.paths import Places
from lakehouse.storage import reach
from lakehouse.store import disk

# The last line that names an exception, Java's or a Python worker's, is the first cause.
CAUSE = re.compile(r"^\s*(?:Caused by: |: )?([\w.]+(?:Error|Exception)\b.*)", re.MULTILINE)
# The next commits of logs, or files of them, are gone: the query was away for too long.
BEHIND = (
    "DELTA_VERSIONS_NOT_CONTIGUOUS",
    "DELTA_FILE_NOT_FOUND",
    "FileNotFoundException",
    "DELTA_LOG_FILE_NOT_FOUND",
    "DELTA_STREAMING_CANNOT_CONTINUE",
)

# The same where windows are counted, by DuckDB: of a folder, of a bucket.
GONE = (*BEHIND, "No such file or directory", "No files found", "HTTP 404")


def is_gone(error: Exception) -> bool:
    """Whether a file was deleted that the query had yet to read, or had opened."""
    return any(sign in str(error) for sign in GONE)


def explained(error: Exception, query: str, places: Places) -> LogpondError:
    """Returns the failure of a query as an error with a remedy, or with Spark's text if unknown."""
    if isinstance(error, LogpondError):
        return error
    if full := disk.full(error, [places.lake, places.checkpoints]):
        return full
    if any(sign in str(error) for sign in BEHIND):
        return CheckpointError(
            f"the query {query} was away for so long that the commits of logs it would read next "
            f"are gone ({cause(str(error))})",
            f"`logpond recover {query}`: it starts anew, and closes what is not closed; no row of "
            "logs is left out",
        )
    if away := reach.fault(error, places.lake):
        return away
    return LogpondError(
        f"the query {query} failed: {cause(str(error) or repr(error))}",
        "nothing is lost: start again; whatever ran beside it stopped between two batches",
    )


def cause(error: str) -> str:
    """Returns the most useful line of an error text."""
    named: list[str] = CAUSE.findall(error)
    return (named[-1] if named else error.split("\n", 1)[0])[:500]
