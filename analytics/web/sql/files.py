"""All rows of an answer as a file, a piece at a time: its text may take many times its room."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.terminal import render

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
PIECE_BYTES = 1 << 20


def pieces(rows: pa.Table, kind: str) -> Iterator[bytes]:
    """Yields the bytes of a file; of columns with one name the second gets a number."""
    named = rows.rename_columns([*render.distinct(rows.column_names)])
    if kind == "parquet":
        binary = io.BytesIO()
        pq.write_table(named, binary, compression="zstd")
        yield binary.getvalue()
        return
    for text in TEXTS[kind](named):
        yield text.encode(errors="replace")


def _csv(rows: pa.Table) -> Iterator[str]:
    yield f"{render.csv_line(rows.column_names)}\n"
    for part in _parts(rows):
        yield "".join(f"{render.csv_line(row)}\n" for row in part.rows)


def _json(rows: pa.Table) -> Iterator[str]:
    before = "[\n"
    for part in _parts(rows):
        yield before + ",\n".join(render.json_rows(part))
        before = ",\n"
    yield "\n]\n" if rows.num_rows else "[]\n"


TEXTS: dict[str, Callable[[pa.Table], Iterator[str]]] = {"csv": _csv, "json": _json}


def _parts(rows: pa.Table) -> Iterator[render.Rows]:
    """Yields the rows, about so many at once as fit into a piece, and one at least."""
    count = max(1, PIECE_BYTES * rows.num_rows // max(1, rows.nbytes))
    for start in range(0, rows.num_rows, count):
        yield render.Rows.of_arrow(rows.slice(start, count))
