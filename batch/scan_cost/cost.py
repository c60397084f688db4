"""A statement run once, and what DuckDB read for it: bytes, files and rows, by its own profile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class Cost:
    """What an answer took; `bytes` lie there in all, `bytes_read` were read of them.

    `rows` are those that left the scan: of Parquet, without those that cannot match. `log_bytes`
    were read besides to know which files to read; None where the system does not count.
    """

    source: str
    files: int
    files_read: int
    bytes: int
    bytes_read: int
    log_bytes: int | None
    rows: int
    seconds: float
    cpu_seconds: float

    @property
    def read(self) -> int:
        """All bytes that were read."""
        return self.bytes_read + (self.log_bytes or 0)


@dataclass(frozen=True)
class Source:
    """A name, how many files of how many bytes, and what makes a connection's view `logs`.

    `reach` are the folders and files that a statement about it may read.
    """

    name: str
    files: int
    bytes: int
    open: Callable[[duckdb.DuckDBPyConnection], None]
    reach: set[str]


def cost(
    connection: duckdb.DuckDBPyConnection, source: Source, asked: duckdb.Statement
) -> tuple[Cost, pa.Table]:
    """The answer of a source, and what it took, opening included; the connection keeps profiles."""
    began, cpu = time.perf_counter(), time.process_time()
    # What the system is asked by comes on top each time.
    read = [_bytes_read(), _bytes_read()]
    source.open(connection)
    read.append(_bytes_read())
    answer = connection.sql(asked).to_arrow_table()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    profile = json.loads(connection.get_profiling_information(format="json"))
    scans = [part for part in _operators(profile) if part.get("type") == "TABLE_SCAN"]
    return Cost(
        source.name,
        source.files,
        min(source.files, sum(int(s["extra_info"].get("Total Files Read", 0)) for s in scans)),
        source.bytes,
        profile["io"]["total_bytes_read"],
        _between(*read),
        sum(scan.get("rows_scanned", 0) for scan in scans),
        round(seconds, 4),
        round(cpu_seconds, 4),
    ), answer


def _bytes_read() -> int | None:
    """Bytes that this process has read so far, from the disk or its cache."""
    counters = getattr(psutil.Process(), "io_counters", None)
    return getattr(counters(), "read_chars", None) if counters else None


def _between(first: int | None, start: int | None, end: int | None) -> int | None:
    if first is None or start is None or end is None:
        return None
    return max(0, end - start - (start - first))


def _operators(profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    below = profile.get("operator") or profile.get("children") or []
    yield profile
    for part in below:
        yield from _operators(part)
