"""Reads without a JVM: a table at a version or a time, and the coordinates that it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lakehouse.errors import TableError
from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import objects
from lakehouse.tables.catalog import Table

NOTE = "logpond"
# The oldest version with all its files; a vacuum raises it before it deletes the first.
OLDEST_PROPERTY = "logpond.oldestReadable"


def table_or_none(places: Places, table: Table | str) -> DeltaTable | None:
    """The newest state of a table, None where there is none."""
    try:
        return DeltaTable(places.table(table))
    except TableNotFoundError:
        return None


def open_table(
    places: Places,
    table: Table | str,
    version: int | None = None,
    as_of: datetime | None = None,
) -> DeltaTable:
    """A table, newest unless `version` or `as_of` (with zone) says otherwise.

    Raises TableError where there is no such table or state.
    """
    name = table if isinstance(table, str) else table.name
    if (version is not None and as_of) or (as_of and as_of.tzinfo is None):
        raise TableError(
            f"table {name} is asked for at two states, or at a time without a zone",
            "give a version, or a time such as 2026-05-01T12:00:00Z",
        )
    found = table_or_none(places, table)
    if found is None:
        raise TableError(
            f"there is no table {name} in {places.lake}",
            "fill a lake with `make demo`, or name another with --lake",
        )
    wanted = version if version is not None else as_of
    if wanted is None:
        return found
    newest, kept = found.version(), oldest_kept(found)
    try:
        found.load_as_version(wanted)
        _refuse_before_first(places.table(table), found.version(), as_of)
    except (DeltaError, ValueError, OverflowError) as error:
        raise TableError(
            f"table {name} cannot be read at {wanted}",
            f"its newest version is {newest}; see `logpond history {name}`",
        ) from error
    if found.version() < kept:
        raise TableError(
            f"version {found.version()} of table {name} is gone: a vacuum deleted files of it",
            f"versions {kept} to {newest} can be read; see `logpond history {name}`",
        )
    return found


def _refuse_before_first(root: str, version: int, as_of: datetime | None) -> None:
    """deltalake gives its first version for a time before it."""
    made = objects.modified(objects.store(f"{root}/{DELTA_LOG}"), f"{version:020d}.json")
    if as_of is not None and made is not None and made.replace(microsecond=0) > as_of:
        raise ValueError(f"{as_of} is before the first version")


def oldest_kept(found: DeltaTable) -> int:
    """The oldest version of which no file was deleted, as noted by the newest state."""
    return int((found.metadata().configuration or {}).get(OLDEST_PROPERTY, 0))


def note_of(commit: Mapping[str, Any]) -> dict[str, Any]:
    """What `store` said of a commit in the history: writer, batch, rows; empty where it did not."""
    found: dict[str, Any] = json.loads(commit.get(NOTE) or "{}")
    return found


def coordinates(found: DeltaTable, topic: str, ranges: Mapping[int, tuple[int, int]]) -> pa.Table:
    """The coordinates (_partition, _offset) of a topic that a table has in offset ranges [a, b)."""
    import pyarrow.compute as pc

    within = pc.scalar(False)
    for partition, (first, end) in ranges.items():
        offset = pc.field("_offset")
        within |= (pc.field("_partition") == partition) & (offset >= first) & (offset < end)
    return found.to_pyarrow_dataset().to_table(
        columns=["_partition", "_offset"], filter=(pc.field("_topic") == topic) & within
    )
