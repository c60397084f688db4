"""What phase 1 writes and phase 2 reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batch.jobs import results
from batch.jobs.watch_time.source import COLUMNS
from batch.jobs.watch_time.verdict import PRECISION, SCALE

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def views() -> pa.Schema:
    """A view that counts: `line` of `file`, the header being line 1; watch_time in minutes."""
    import pyarrow as pa

    names = pa.dictionary(pa.int32(), pa.string())
    types = {
        "file": names,
        "line": pa.int64(),
        "log_id": pa.string(),
        "user_id": pa.string(),
        "ip": pa.string(),
        "geo_region": names,
        "timestamp": pa.timestamp("us", "UTC"),
        "watch_time": pa.decimal128(PRECISION, SCALE),
    }
    return pa.schema([pa.field(name, type_) for name, type_ in types.items()])


def rejects() -> pa.Schema:
    """A line that does not count: its values as they stood, or all of it where it has none."""
    import pyarrow as pa

    names = ["reason", *COLUMNS.values(), "raw"]
    return pa.schema(
        [("file", pa.string()), ("line", pa.int64()), *((n, pa.string()) for n in names)]
    )


@contextmanager
def written(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A Parquet file that is there when the block ends well, and not before."""
    import pyarrow.parquet as pq

    with (
        results.replaced(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        yield writer
