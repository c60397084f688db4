"""A pinned Delta table in a bucket, for DuckDB: an Arrow dataset that asks for no more than needed.

DuckDB would have to download an extension to read a bucket by itself. It asks a dataset for columns
and a filter; what only asks for partition columns is answered by the log, without opening a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

BATCH_ROWS = 1 << 17
# The path of the file of a row, as Arrow names it.
ARROWS_FILE = "__filename"
# How many files are asked for at once: the more, the smaller they are. The first is Arrow's own.
LEAST_AHEAD, MOST_AHEAD, BYTES_AHEAD = 4, 32, 64 << 20


class Scan:
    """What DuckDB takes for a scanner: the rows of one, with these names of columns.

    They are read without Python's lock.

    Arrow's own `to_reader` keeps that lock while it begins, and waits for threads of its own that
    want it, as deltalake's files are opened by Python: now and then a question never ended
    (decision 61).
    """

    def __init__(self, scanner: ds.Scanner, names: list[str]) -> None:
        self._scanner, self._names = scanner, names

    def to_reader(self) -> pa.RecordBatchReader:
        """Returns the rows; `to_batches` gives the lock away wherever it waits."""
        found = self._scanner.projected_schema
        schema = pa.schema([f.with_name(n) for f, n in zip(found, self._names, strict=True)])
        rows = (batch.rename_columns(self._names) for batch in self._scanner.to_batches())
        return pa.RecordBatchReader.from_batches(schema, rows)


class BucketFiles(ds.Dataset):  # type: ignore[misc]
    """The rows of a version, or of some of its files. Its partition columns come first.

    DuckDB asks for the first column where it needs none, as for `count(*)`. Rows of a file are
    those that its statistics say; where a file has none, files are opened. With `file`, a column of
    this name comes last: the path of the file of a row.
    """

    def __init__(
        self, at: DeltaTable, adds: pa.Table, is_whole: bool = True, file: str = ""
    ) -> None:
        # Arrow's own constructor makes no dataset of this kind, and must not be called
        self._at, self._adds, self._is_whole, self._file = at, adds, is_whole, file
        self._keys = at.metadata().partition_columns

    def only(self, adds: pa.Table) -> BucketFiles:
        """Returns the rows of some of the files."""
        if len(adds) == len(self._adds):
            return self
        return BucketFiles(self._at, adds, False, self._file)

    def with_file(self, name: str) -> BucketFiles:
        """Returns the rows with the path of their file in a column of this name."""
        return BucketFiles(self._at, self._adds, self._is_whole, name)

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow reads them."""
        columns = self._columns
        rest = (field for field in columns if field.name not in self._keys)
        of_file = [pa.field(self._file, pa.string())] if self._file else []
        return pa.schema([*(columns.field(key) for key in self._keys), *rest, *of_file])

    def scanner(self, columns: list[str] | None = None, filter: Any = None, **more: Any) -> Scan:
        """Returns a scan of the files, or of what the log says of them."""
        if columns and set(columns) <= {*self._keys} and self._has_counts:
            try:
                return Scan(self._of_log(columns, filter, more), columns)
            except pa.ArrowInvalid:  # the filter is over other columns
                pass
        ahead = min(max(BYTES_AHEAD // max(self._mean_bytes, 1), LEAST_AHEAD), MOST_AHEAD)
        names = columns or self.schema.names
        wanted = [ARROWS_FILE if name == self._file else name for name in names]
        rows = self._files.scanner(columns=wanted, filter=filter, fragment_readahead=ahead, **more)
        return Scan(rows, names)

    @cached_property
    def _columns(self) -> pa.Schema:
        return pa.schema(self._at.schema().to_arrow())

    @cached_property
    def _files(self) -> Any:
        found = self._at.to_pyarrow_dataset()
        if self._is_whole:
            return found
        wanted = {unquote(path) for path in self._adds["path"].to_pylist()}
        fragments = [one for one in found.get_fragments() if unquote(one.path) in wanted]
        return ds.FileSystemDataset(fragments, found.schema, found.format, found.filesystem)

    @cached_property
    def _has_counts(self) -> bool:
        return bool(self._adds["num_records"].null_count == 0)

    @cached_property
    def _mean_bytes(self) -> int:
        sizes = self._adds["size_bytes"].to_pylist()
        return int(sum(sizes) // max(len(sizes), 1))

    def _of_log(self, columns: list[str], filter: Any, more: dict[str, Any]) -> ds.Scanner:
        schema = pa.schema([self._columns.field(key) for key in self._keys])
        rows = self._rows(schema)
        return ds.Scanner.from_batches(rows, schema=schema, columns=columns, filter=filter, **more)

    def _rows(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yields the partition columns of all rows, some at a time."""
        counts: dict[tuple[Any, ...], int] = {}
        partitions = self._adds["partition"].to_pylist()
        for of, rows in zip(partitions, self._adds["num_records"].to_pylist(), strict=True):
            values = tuple(of[key] for key in schema.names)
            counts[values] = counts.get(values, 0) + rows
        for values, rows in counts.items():
            scalars = [pa.scalar(v, f.type) for v, f in zip(values, schema, strict=True)]
            for start in range(0, rows, BATCH_ROWS):
                many = min(BATCH_ROWS, rows - start)
                yield pa.record_batch([pa.repeat(s, many) for s in scalars], schema=schema)
