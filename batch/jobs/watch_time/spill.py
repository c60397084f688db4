"""Rows on disk, in as many buckets as keep one small: equal keys are in one, in their order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

# Of a file's text: a bucket takes some five times that when it is in memory. Each is an open file.
BUCKET_BYTES = 16 << 20
MOST_BUCKETS = 512
MOST_ROWS = 1 << 20
KEY = "log_id"


def buckets(size: int) -> int:
    """How many buckets a file of so many bytes of text wants."""
    return min(MOST_BUCKETS, -(-size // BUCKET_BYTES) or 1)


class Spill:
    """A folder of buckets; it is emptied at the beginning, and gone at the end."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.writers: dict[int, Any] = {}

    def __enter__(self) -> Spill:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Append each row to the bucket of its key."""
        import polars as pl

        bucket = (pl.col(KEY).hash(0) % self.count).alias("_bucket")
        parts = rows.with_columns(bucket).partition_by("_bucket", as_dict=True, include_key=False)
        for (number, *_), part in parts.items():
            self._append(int(number), part)

    def first_of_each(self) -> Iterator[tuple[pl.DataFrame, int]]:
        """Bucket by bucket, the first row of each key in the order added, and how many others."""
        self._close()
        for number in range(self.count):
            if self._file(number).exists():
                yield _firsts(self._read(number))
                self._file(number).unlink()

    def _append(self, number: int, rows: pl.DataFrame) -> None:
        import polars as pl
        import pyarrow as pa

        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if number not in self.writers:
            packed = pa.ipc.IpcWriteOptions(compression="lz4")
            self.writers[number] = pa.ipc.new_stream(
                str(self._file(number)), table.schema, options=packed
            )
        self.writers[number].write_table(table)

    def _read(self, number: int) -> Iterator[pl.DataFrame]:
        import polars as pl
        import pyarrow as pa

        with pa.OSFile(str(self._file(number))) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield pl.DataFrame(batch)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.arrows"

    def _close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()


def _firsts(parts: Iterator[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """One key over and over does not add up: what is held is thinned out on the way."""
    import polars as pl

    held: list[pl.DataFrame] = []
    rows, most, seen = 0, MOST_ROWS, 0
    for part in parts:
        held.append(part)
        seen += part.height
        rows += part.height
        if rows > most:
            held = [_unique(pl.concat(held))]
            rows = held[0].height
            most = max(MOST_ROWS, 2 * rows)
    firsts = _unique(pl.concat(held))
    return firsts, seen - firsts.height


def _unique(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.unique(subset=KEY, keep="first", maintain_order=True)
