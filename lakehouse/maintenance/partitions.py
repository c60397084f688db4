"""Lists the partitions of a table, and rewrites one of them with bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.errors import LogpondError
from lakehouse.maintenance.rewriting import alone
from lakehouse.maintenance.size import SMALL_BYTES
from lakehouse.paths import Places
from lakehouse.store import WRITTEN, data_files, open_table
from lakehouse.store.retry import retried

ORDERED_BYTES = 128 << 20
# What a table that cannot be kept now raises; rows and files are as they were.
REFUSALS = (LogpondError, DeltaError, OSError)
Keys = tuple[tuple[str, str], ...]
Where = list[tuple[str, str, str]]
File = tuple[str, int, datetime | None]


@dataclass(frozen=True)
class Part:
    """One partition: its keys, its active files with their bytes, its newest event if known."""

    keys: Keys
    files: Mapping[str, int]
    newest: datetime | None = None

    @property
    def name(self) -> str:
        """The name of its folder."""
        return "/".join(f"{key}={value}" for key, value in self.keys)

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return sum(self.files.values())


def parts(places: Places, name: str) -> list[Part]:
    """Returns the partitions of the newest version that have files, in order."""
    found = open_table(places, name)
    adds = data_files(found, flatten=True)
    keys = found.metadata().partition_columns
    newest = adds["max.timestamp"] if "max.timestamp" in adds.column_names else pa.nulls(len(adds))
    rows = adds.select([*(f"partition.{key}" for key in keys), "path", "size_bytes"])
    columns = [column.to_pylist() for column in [*rows.columns, newest]]
    grouped: dict[tuple[Any, ...], list[File]] = {}
    for *values, path, size, event in zip(*columns, strict=True):
        grouped.setdefault(tuple(values), []).append((path, size, event))
    return [_part(keys, values, files) for values, files in sorted(grouped.items())]


def rewrite(
    places: Places,
    name: str,
    keys: Keys,
    zorder: Sequence[str] = (),
    memory: int = 512 << 20,
    merged: int = SMALL_BYTES,
) -> None:
    """Orders the rows of a partition by columns, or else merges its files below `merged` bytes.

    Sorting beyond `memory` bytes uses the disk. A merge leaves files of 16 MB and more alone, so a
    repeat costs little. One at a time of a table. Conflicts are repeated; raises TableError where
    others kept winning.
    """
    where = [(key, "=", value) for key, value in keys]
    change = partial(_rewrite, where=where, zorder=zorder, memory=memory, merged=merged)
    with alone(places, name):
        retried(places, name, change)


def _rewrite(at: DeltaTable, where: Where, zorder: Sequence[str], memory: int, merged: int) -> None:
    if zorder:
        at.optimize.z_order(
            [*zorder],
            where,
            ORDERED_BYTES,
            max_concurrent_tasks=1,
            max_spill_size=memory,
            writer_properties=WRITTEN,
        )
    else:
        at.optimize.compact(
            where, merged, max_concurrent_tasks=1, max_spill_size=memory, writer_properties=WRITTEN
        )


def _part(keys: Sequence[str], values: tuple[Any, ...], files: list[File]) -> Part:
    named = tuple((key, _text(value)) for key, value in zip(keys, values, strict=True))
    events = [event for _, _, event in files if event is not None]
    return Part(named, {path: size for path, size, _ in files}, max(events, default=None))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
