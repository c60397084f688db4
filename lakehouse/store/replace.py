"""Replaces whole rows of a table, computed from the very version that they replace."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from lakehouse.paths import Places
from lakehouse.store.lease.fence import checked
from lakehouse.store.read import NOTE
from lakehouse.store.retry import retried
from lakehouse.tables.catalog import Table

# As every rewrite of rows is written.
WRITTEN = WriterProperties(compression="ZSTD", compression_level=1)


@dataclass(frozen=True)
class Replacement:
    """`rows` that replace all rows `where` (SQL; `rows` must all meet it).

    `marks` are application transactions to set, `note` goes to the history. With `columns_too` the
    whole table is replaced, and then has the columns of `rows`.
    """

    rows: pa.Table
    where: str
    marks: Mapping[str, int] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    columns_too: bool = False


def replace(
    places: Places, table: Table, make: Callable[[DeltaTable], Replacement | None]
) -> Replacement | None:
    """Replaces what `make` returns for the newest version; it is called again after a conflict.

    Returns what was replaced; None where `make` returned None. Raises TableError where others kept
    winning.
    """

    def change(current: DeltaTable) -> Replacement | None:
        made = make(current)
        if made is not None:
            _write(current, made, checked(places.fence, current))
        return made

    return retried(places, table.name, change)


def _write(current: DeltaTable, made: Replacement, fence: list[Transaction]) -> None:
    now = int(time.time() * 1000)
    marks = [Transaction(app, version, now) for app, version in made.marks.items()]
    note = {"rows": made.rows.num_rows, **made.note}
    properties = CommitProperties(
        custom_metadata={NOTE: msgspec.json.encode(note).decode()},
        # what was computed holds for this version only: a conflict is not for deltalake to solve
        max_commit_retries=0,
        app_transactions=[*marks, *fence],
    )
    if made.columns_too:
        write_deltalake(
            current,
            made.rows,
            mode="overwrite",
            schema_mode="overwrite",
            writer_properties=WRITTEN,
            commit_properties=properties,
        )
    else:
        write_deltalake(
            current,
            _plain(made.rows),
            mode="overwrite",
            predicate=made.where,
            writer_properties=WRITTEN,
            commit_properties=properties,
        )


def _plain(rows: pa.Table) -> pa.Table:
    """Returns rows without comments: deltalake refuses comments that differ from the table's."""
    return rows.cast(pa.schema([field.remove_metadata() for field in rows.schema]))
