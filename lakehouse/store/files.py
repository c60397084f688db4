"""Parquet files of a table with the statistics by which readers skip them; executors run this."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.store import objects
from lakehouse.tables.catalog import Table

LONGEST_STATISTIC = 64


class DataFile(msgspec.Struct, frozen=True):
    """One written file: `path` counts from the root of its table; `stats` is JSON."""

    table: str
    path: str
    size: int
    rows: int
    partition: dict[str, str]
    stats: str


def write(table: Table, rows: pa.Table, root: str, name: str) -> list[DataFile]:
    """Write `rows` under `root`, one file a partition, and describe the files; commits nothing."""
    folder = objects.store(root)
    return [_write_file(table, part, folder, name) for part in _parts(table, rows)]


def _parts(table: Table, rows: pa.Table) -> Iterator[pa.Table]:
    """Slices of `rows` that lie in one partition each."""
    if len(_ends(table, rows)) > 1:
        rows = rows.sort_by([(name, "ascending") for name in table.partition_by])
    start = 0
    for end in _ends(table, rows):
        yield rows.slice(start, end - start)
        start = end


def _ends(table: Table, rows: pa.Table) -> list[int]:
    """Where a partition ends in rows that are in order; not by group_by, which mixes the order."""
    columns = [rows[name].combine_chunks() for name in table.partition_by]
    ends = {end for each in columns for end in pc.run_end_encode(each).run_ends.to_pylist()}
    return sorted((ends | {rows.num_rows}) - {0})


def _write_file(table: Table, rows: pa.Table, folder: Any, name: str) -> DataFile:
    partition = {key: _text(rows[key][0].as_py()) for key in table.partition_by}
    folders = [f"{key}={value}" for key, value in partition.items()]
    path = "/".join((*folders, f"{name}-{uuid.uuid4().hex}.parquet"))
    buffer = io.BytesIO()
    pq.write_table(
        rows.drop_columns(list(table.partition_by)), buffer, compression="zstd", compression_level=1
    )
    objects.put(folder, path, buffer.getvalue())
    size = buffer.getbuffer().nbytes
    return DataFile(table.name, path, size, rows.num_rows, partition, statistics(table, rows))


def statistics(table: Table, rows: pa.Table) -> str:
    """Delta's file statistics as JSON: rows, and bounds and NULLs of the table's chosen columns."""
    bounds = {name: found for name in table.statistics if (found := _bounds(rows[name]))}
    facts = {
        "numRecords": rows.num_rows,
        "minValues": {name: low for name, (low, _) in bounds.items()},
        "maxValues": {name: high for name, (_, high) in bounds.items()},
        "nullCount": {name: rows[name].null_count for name in table.statistics},
    }
    return msgspec.json.encode(facts).decode()


def _bounds(values: pa.ChunkedArray) -> tuple[Any, Any] | None:
    """The least and the greatest value; None where JSON cannot say them in full.

    NaN counts as the greatest for some readers and as none for others: such a file has no bounds.
    """
    if pa.types.is_floating(values.type) and not pc.all(pc.is_finite(values)).as_py():
        return None
    low, high = pc.min_max(values).as_py().values()
    return None if low is None or _is_long(low, high) else (_plain(low), _plain(high))


def _is_long(*values: Any) -> bool:
    return any(isinstance(v, str) and len(v) > LONGEST_STATISTIC for v in values)


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
