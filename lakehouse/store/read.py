"""Reads without a JVM: a table at a version or a time, and the coordinates that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.tables import Table

WRITER_PROPERTY = "logpond.writer"


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
    found = table_or_none(places, table)
    if found is None:
        raise TableError(
            f"there is no table {name} in {places.lake}",
            "fill a lake with `make demo`, or name another with --lake",
        )
    wanted = version if version is not None else as_of
    if wanted is None:
        return found
    newest = found.version()
    try:
        found.load_as_version(wanted)
    except (DeltaError, ValueError, OverflowError) as error:
        raise TableError(
            f"table {name} cannot be read at {wanted}",
            f"its newest version is {newest}; see `logpond history {name}`",
        ) from error
    return found


def writer_of(found: DeltaTable) -> str:
    """Who commits to a table: deltalake or spark."""
    return (found.metadata().configuration or {}).get(WRITER_PROPERTY, "deltalake")


def check_writer(found: DeltaTable, writer: str) -> None:
    """Raise TableError where a table belongs to the other writer: never both on one table."""
    if writer_of(found) != writer:
        raise TableError(
            f"table {found.metadata().name} is committed to by {writer_of(found)}",
            f'set writer = "{writer_of(found)}" in conf/logpond.toml',
        )


def held(found: DeltaTable, topic: str, ranges: Mapping[int, tuple[int, int]]) -> pa.Table:
    """The coordinates (_partition, _offset) of a topic that a table has in offset ranges [a, b)."""
    import pyarrow.compute as pc

    within = pc.scalar(False)
    for partition, (first, end) in ranges.items():
        offset = pc.field("_offset")
        within |= (pc.field("_partition") == partition) & (offset >= first) & (offset < end)
    return found.to_pyarrow_dataset().to_table(
        columns=["_partition", "_offset"], filter=(pc.field("_topic") == topic) & within
    )
