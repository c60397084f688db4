"""The size of a table, before and after maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow.compute as pc

from lakehouse.paths import Places
from lakehouse.store import data_files, open_table
from lakehouse.store.log import Log
from lakehouse.store.read import oldest_kept

SMALL_BYTES = 16 << 20


@dataclass(frozen=True)
class Shape:
    """The size of a table: rows, files and bytes of its newest version, and its oldest version.

    `rows` is None where a file does not say how many it has.
    """

    rows: int | None
    files: int
    small_files: int
    bytes: int
    version: int
    oldest_version: int


@dataclass(frozen=True)
class Upkeep:
    """What was done to a table; `removed` counts files that were, or would be, removed.

    `named` are older versions that stay readable because they have a name, by their names.
    """

    table: str
    operation: str
    before: Shape
    after: Shape
    removed: int = 0
    named: Mapping[str, int] = field(default_factory=dict)


def shape(places: Places, name: str) -> Shape:
    """Returns the size of a table as it is now."""
    found = open_table(places, name)
    adds = data_files(found)
    sizes, rows = adds["size_bytes"], adds["num_records"]
    return Shape(
        rows=None if rows.null_count else pc.sum(rows).as_py() or 0,
        files=len(sizes),
        small_files=pc.sum(pc.less(sizes, SMALL_BYTES)).as_py() or 0,
        bytes=pc.sum(sizes).as_py() or 0,
        version=found.version(),
        oldest_version=max(Log(places, name).oldest(), oldest_kept(found)),
    )
