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
# Whether values repeat is seen of so many of them.
SAMPLED = 1000
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
        use_dictionary=dictionaries(content),
    )
    objects.put(folder, path, buffer.getvalue())
    size = buffer.getbuffer().nbytes
    return DataFile(table.name, path, size, rows.num_rows, partition, statistics(table, rows))


def dictionaries(rows: pa.Table) -> list[str]:
    """The columns, by their path in a file, that get a dictionary: those whose values repeat.

    One of names that are all different costs time and bytes, and is given up in the end. The values
    of maps of text have none: measured on ten attributes an event, 0.6 us of 1.4 less, and 28
    instead of 33 bytes a row.
    """
    found = list[str]()
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if column.type == MAP_OF_TEXT:
            found.append(f"{name}.key_value.key")
        elif pa.types.is_list(column.type):
            found.append(f"{name}.list.element")
        elif _repeats(column):
            found.append(name)
    return found


def _repeats(values: pa.ChunkedArray) -> bool:
    """Whether of the first values at least one in twenty was there before."""
    first = values.slice(0, SAMPLED)
    return bool(20 * pc.count_distinct(first, mode="all").as_py() <= 19 * len(first))


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
