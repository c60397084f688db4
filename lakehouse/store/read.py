"""Reads without a JVM: a table at a version or a time, and the coordinates that it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lakehouse.errors import TableError
from lakehouse.paths import Places, is_url
from lakehouse.store.log import Log, damage, torn
from lakehouse.tables.catalog import Table
from lakehouse.terminal.times import rendered

NOTE = "logpond"
# The oldest version with all its files; a vacuum raises it before it deletes the first.
OLDEST_PROPERTY = "logpond.oldestReadable"


def table_or_none(places: Places, table: Table | str) -> DeltaTable | None:
    """The newest state of a table, None where there is none.

    Raises TableError where there is one that cannot be read.
    """
    name = table if isinstance(table, str) else table.name
    try:
        found = DeltaTable(places.table(name))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError, ValueError) as error:
        if not is_url(places.lake) and not Path(places.table(name)).exists():
            return None
        raise damage(places, name, str(error)) from error
    _refuse_empty_entry(places, name, found.version())
    return found


def _refuse_empty_entry(places: Places, name: str, newest: int) -> None:
    """deltalake takes an entry that a crash of the machine left empty for one that did nothing."""
    entry = Path(places.delta_log(name)) / f"{newest:020d}.json"
    if not is_url(places.lake) and entry.is_file() and not entry.stat().st_size:
        raise torn(name, entry.name)


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
    found = table_or_none(places, name)
    if found is None:
        raise TableError(
            f"there is no table {name} in {places.lake}",
            "fill a lake with `make demo`, or name another with --lake",
        )
    if as_of is not None:
        version = _version_at(places, name, as_of)
    return found if version is None else _at_version(found, name, version)


def _version_at(places: Places, name: str, as_of: datetime) -> int:
    """The version that was current at a time; TableError where that is before the oldest."""
    timeline = Log(places, name).timeline()
    version = timeline.at(as_of)
    if version == timeline.oldest and (began := timeline.time(version)) > as_of:
        raise TableError(
            f"table {name} cannot be read at {rendered(as_of)}",
            f"its oldest readable version {version} is of {rendered(began)}; "
            f"see `logpond history {name}`",
        )
    return version


def _at_version(found: DeltaTable, name: str, version: int) -> DeltaTable:
    newest, kept = found.version(), oldest_kept(found)
    try:
        if version != newest:
            found.load_as_version(version)
    except (DeltaError, ValueError, OverflowError) as error:
        raise TableError(
            f"table {name} cannot be read at {version}",
            f"its newest version is {newest}; see `logpond history {name}`",
        ) from error
    if found.version() < kept:
        raise TableError(
            f"version {found.version()} of table {name} is gone: a vacuum deleted files of it",
            f"versions {kept} to {newest} can be read; see `logpond history {name}`",
        )
    return found


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
