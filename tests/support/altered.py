"""Builders: data files that are altered behind everybody's back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from support.lakes import Lake

Change = Callable[[pa.Table], pa.Table]


def data_files(lake: Lake, table: str) -> list[Path]:
    """The data files of a table."""
    return sorted(Path(lake.places.table(table)).glob("*=*/**/*.parquet"))


def changed(name: str, of: Callable[[list[Any]], list[Any]]) -> Change:
    """Other values in a column, also NULL."""

    def change(rows: pa.Table) -> pa.Table:
        at = rows.schema.get_field_index(name)
        kind = rows.schema.field(at).with_nullable(True)
        return rows.set_column(at, kind, pa.array(of(rows[name].to_pylist()), kind.type))

    return change


def first_gone(values: list[Any]) -> list[Any]:
    """NULL in the first row."""
    return [None, *values[1:]]


def rewrite(lake: Lake, table: str, change: Change) -> Path:
    """Another file in the place of the first one of a table."""
    file = data_files(lake, table)[0]
    pq.write_table(change(pq.read_table(file, partitioning=None)), file)
    return file


def rewrite_with_size(lake: Lake, change: Change, named: str = "") -> None:
    """Another file in the place of the first one of `logs`, or the first so named; the log agrees.

    Its size, that is; not how many rows it has.
    """
    file = next(one for one in data_files(lake, "logs") if named in one.name)
    pq.write_table(change(pq.read_table(file, partitioning=None)), file)
    for entry in Path(lake.places.delta_log("logs")).glob("*.json"):
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for add in (action["add"] for action in actions if "add" in action):
            if add["path"].endswith(file.name):
                add["size"] = file.stat().st_size
        entry.write_text("\n".join(map(json.dumps, actions)))


def flip(file: Path, place: int = -20) -> None:
    """Change one byte, and put the time of its last change back."""
    times = file.stat()
    file.write_bytes(flipped(file.read_bytes(), place))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def flipped(content: bytes, place: int) -> bytes:
    """The same but for one bit."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)
