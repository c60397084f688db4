"""How much of the lake's files DuckDB read for an answer: a note in the metadata of its table."""

from __future__ import annotations

from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from lakehouse.duck import syntax

KEY = b"logpond.scanned"
# Only these are counted while a statement runs; all that DuckDB knows would cost a tenth more.
SETTINGS = {
    "enable_profiling": "no_output",
    "tracked_metrics": "[query.total_rows_scanned, io.total_bytes_read, operator.type, "
    "operator.intermediate_rows, operator.extra_info]",
}
OF_ARROW = "PYTHON_ARROW_SCAN"


class Scanned(msgspec.Struct, frozen=True):
    """What was taken out of files for an answer.

    `rows` are those that scans gave, after the conditions that DuckDB checks while it reads.
    `bytes` are those that were read of files, as they are there, compressed; footers may be read
    twice. None of a bucket, where others read for DuckDB. What the log or the statistics of files
    answer counts 0; windows that are still open are counted from `logs` besides.
    """

    rows: int = 0
    bytes: int | None = 0


def last(connection: duckdb.DuckDBPyConnection, is_far: bool) -> Scanned:
    """Returns what the last statement of a connection with these settings read, once it is done."""
    found = msgspec.json.decode(connection.get_profiling_information("json"))
    if "query" not in found:  # its plan has no scan at all: statistics were enough
        return Scanned()
    rows = found["query"]["total_rows_scanned"]
    if is_far:
        return Scanned(rows + sum(map(_of_arrow, syntax.parts(found["operator"]))), None)
    return Scanned(rows, found["io"]["total_bytes_read"])


def noted(answer: pa.Table, scanned: Scanned) -> pa.Table:
    """Returns an answer that says so, besides what it says already."""
    known = answer.schema.metadata or {}
    return answer.replace_schema_metadata({**known, KEY: msgspec.json.encode(scanned)})


def of(answer: pa.Table) -> Scanned | None:
    """Returns what was read for an answer; None where nobody counted it."""
    content = (answer.schema.metadata or {}).get(KEY)
    return msgspec.json.decode(content, type=Scanned) if content else None


def _of_arrow(part: dict[str, Any]) -> int:
    is_scan = part.get("extra_info", {}).get("Function") == OF_ARROW
    return int(part["intermediate_rows"]) if is_scan else 0
