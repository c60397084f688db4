"""DESCRIBE HISTORY: a row for each commit whose log entry is still there, newest first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.paths import Places
from lakehouse.query.limits import too_large, too_long
from lakehouse.settings import Sql
from lakehouse.store.log import COMMIT, Log

TEXTS = pa.map_(pa.string(), pa.string())
JOB = ("jobId", "jobName", "jobRunId", "runId", "jobOwnerId", "triggerType")
COLUMNS = pa.schema(
    [
        ("version", pa.int64()),
        ("timestamp", UTC_TIMESTAMP),
        ("userId", pa.string()),
        ("userName", pa.string()),
        ("operation", pa.string()),
        ("operationParameters", TEXTS),
        ("job", pa.struct([(name, pa.string()) for name in JOB])),
        ("notebook", pa.struct([("notebookId", pa.string())])),
        ("clusterId", pa.string()),
        ("readVersion", pa.int64()),
        ("isolationLevel", pa.string()),
        ("isBlindAppend", pa.bool_()),
        ("operationMetrics", TEXTS),
        ("userMetadata", pa.string()),
        ("engineInfo", pa.string()),
    ]
)


def history(places: Places, name: str, limit: int | None, limits: Sql | None = None) -> pa.Table:
    """Returns the newest `limit` commits of a table, or all.

    Their times are those that the commits note themselves, where Spark has times of files. Raises
    SettingsError where that takes more than `limits`.
    """
    log = Log(places, name)
    commits = filter(None, map(COMMIT.match, log.names()))
    versions = sorted((int(commit[1]) for commit in commits), reverse=True)
    rows = [*_within(_rows(log, versions[:limit]), limits)]
    return pa.Table.from_pylist(rows, COLUMNS)


def _rows(log: Log, versions: list[int]) -> Iterator[dict[str, Any]]:
    timeline = log.timeline()
    for version in versions:
        info = log.info(version)
        if info is not None:  # trimmed since it was listed
            yield {"version": version, "timestamp": timeline.time(version), **row(info)}


def row(info: dict[str, Any]) -> dict[str, Any]:
    """Returns what a commitInfo says, as the columns have it; NULL for a value of another type."""
    return {
        **{name: _text(info.get(name)) for name in COLUMNS.names if _is_text(name)},
        "operationParameters": _texts(info.get("operationParameters")),
        "job": _fields(info.get("job"), JOB),
        "notebook": _fields(info.get("notebook"), ("notebookId",)),
        "readVersion": _of(int, info.get("readVersion")),
        "isBlindAppend": _of(bool, info.get("isBlindAppend")),
        "operationMetrics": _texts(info.get("operationMetrics")),
    }


def _is_text(name: str) -> bool:
    return bool(COLUMNS.field(name).type == pa.string())


def _text(value: Any) -> str | None:
    """Returns text as it is, and any other value as JSON, which is how Spark reads it."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _texts(value: Any) -> dict[str, str | None] | None:
    return {k: _text(v) for k, v in value.items()} if isinstance(value, dict) else None


def _fields(value: Any, names: tuple[str, ...]) -> dict[str, str | None] | None:
    return {n: _text(value.get(n)) for n in names} if isinstance(value, dict) else None


def _of(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind or not -(2**63) <= value < 2**63:
        return None
    return value


def _within(rows: Iterator[dict[str, Any]], limits: Sql | None) -> Iterator[dict[str, Any]]:
    """Yields rows, until they took longer than is allowed, or more room."""
    began, size = time.monotonic(), 0
    for one in rows:
        size += len(msgspec.json.encode(one, enc_hook=str))
        if limits and time.monotonic() - began > limits.seconds:
            raise too_long(limits)
        if limits and size > limits.memory_mb << 20:
            raise too_large(limits)
        yield one
