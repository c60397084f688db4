"""Writes Parquet files of a table, with the statistics by which readers skip them.

Executors run this too.
"""

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
MAP_OF_TEXT = pa.map_(pa.string(), pa.string())


class DataFile(msgspec.Struct, frozen=True):
    """One written file: `path` is relative to the root of its table; `stats` is JSON."""

    table: str
    path: str
    size: int
    rows: int
    partition: dict[str, str]
    stats: str


def write(table: Table, rows: pa.Table, root: str, name: str) -> list[DataFile]:
    """Writes `rows` under `root`, one file a partition. Returns the files; commits nothing."""
    folder = objects.store(root)
    return [_write_file(table, part, folder, name) for part in _parts(table, rows)]


def _parts(table: Table, rows: pa.Table) -> Iterator[pa.Table]:
    """Yields slices of `rows` that lie in one partition each."""
    if len(_ends(table, rows)) > 1:
        rows = rows.sort_by([(name, "ascending") for name in table.partition_by])
    start = 0
    for end in _ends(table, rows):
        yield rows.slice(start, end - start)
        start = end


def _ends(table: Table, rows: pa.Table) -> list[int]:
    """Returns where each partition ends in sorted rows; group_by would change their order."""
    columns = [rows[name].combine_chunks() for name in table.partition_by]
    ends = {end for each in columns for end in pc.run_end_encode(each).run_ends.to_pylist()}
    return sorted((ends | {rows.num_rows}) - {0})


def _write_file(table: Table, rows: pa.Table, folder: Any, name: str) -> DataFile:
    partition = {key: _text(rows[key][0].as_py()) for key in table.partition_by}
    folders = [f"{key}={value}" for key, value in partition.items()]
    path = "/".join((*folders, f"{name}-{uuid.uuid4().hex}.parquet"))
    buffer = io.BytesIO()
    content = rows.drop_columns(list(table.partition_by))
    pq.write_table(
        content,
        buffer,
        compression="zstd",
        compression_level=1,
        use_dictionary=_dictionaries(content.schema),
    )
    objects.put(folder, path, buffer.getvalue())
    size = buffer.getbuffer().nbytes
    return DataFile(table.name, path, size, rows.num_rows, partition, statistics(table, rows))


def _dictionaries(columns: pa.Schema) -> bool | list[str]:
    """The columns with a dictionary: all but the values of maps of text, which repeat too seldom.

    Measured on ten attributes an event: 0.6 us of 1.4 less, and 28 instead of 33 bytes a row.
    """
    maps = [f.name for f in columns if f.type == MAP_OF_TEXT]
    if not maps:
        return True
    lists = [f.name for f in columns if pa.types.is_list(f.type)]
    plain = [name for name in columns.names if name not in maps and name not in lists]
    keys = [f"{name}.key_value.key" for name in maps]
    return [*plain, *keys, *(f"{name}.list.element" for name in lists)]


def statistics(table: Table, rows: pa.Table) -> str:
    """Returns Delta's file statistics as JSON: rows, and bounds and NULLs of chosen columns."""
    bounds = {name: found for name in table.statistics if (found := _bounds(rows[name]))}
    facts = {
        "numRecords": rows.num_rows,
        "minValues": {name: low for name, (low, _) in bounds.items()},
        "maxValues": {name: high for name, (_, high) in bounds.items()},
        "nullCount": {name: rows[name].null_count for name in table.statistics},
    }
    return msgspec.json.encode(facts).decode()


def _bounds(values: pa.ChunkedArray) -> tuple[Any, Any] | None:
    """Returns the least and the greatest value; None where JSON cannot hold them exactly.

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
