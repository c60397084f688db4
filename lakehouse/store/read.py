"""Reads without a JVM: opens a table at a version or a time, and finds the coordinates it has."""

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
from lakehouse.storage import reach
from lakehouse.store.log import Log, damage, torn
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import Table
from lakehouse.tables.rejects import ITEM
from lakehouse.terminal.times import rendered

NOTE = "logpond"
# The oldest version with all its files; a vacuum raises it before it deletes the first.
OLDEST_PROPERTY = "logpond.oldestReadable"


def table_or_none(places: Places, table: Table | str) -> DeltaTable | None:
    """Returns the newest version of a table; None where there is no such table.

    Raises TableError where the table cannot be read.
    """
    name = table if isinstance(table, str) else table.name
    if is_url(places.lake):
        reach.check(places.lake)
    try:
        found = DeltaTable(places.table(name))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError, ValueError) as error:
        if not is_url(places.lake) and not Path(places.table(name)).exists():
            return None
        if is_url(places.lake) and (unreached := reach.fault(error, places.lake)):
            raise unreached from error
        raise damage(places, name, str(error)) from error
    _refuse_empty_entry(places, name, found.version())
    return found


def _refuse_empty_entry(places: Places, name: str, newest: int) -> None:
    """Raises TableError for a log entry that a crash left empty; deltalake would ignore it."""
    entry = Path(places.delta_log(name)) / f"{newest:020d}.json"
    if not is_url(places.lake) and entry.is_file() and not entry.stat().st_size:
        raise torn(name, entry.name)


def data_files(at: DeltaTable, *, flatten: bool = False) -> pa.Table:
    """Returns the files of a table at its version, a row each, with paths, sizes and statistics."""
    return pa.RecordBatchReader.from_stream(at.get_add_actions(flatten=flatten)).read_all()


def open_table(
    places: Places,
    table: Table | str,
    version: int | None = None,
    as_of: datetime | None = None,
) -> DeltaTable:
    """Returns a table: its newest version, or the one of `version` or `as_of` (with a zone).

    Raises TableError where there is no such table or version.
    """
    name = table if isinstance(table, str) else table.name
    found = table_or_none(places, name)
    if found is None:
        raise TableError(
            f"there is no table {name} in {places.lake}",
            "fill a lake with `make demo`, or name another with --lake",
        )
    return moved(places, found, name, version, as_of)


def moved(
    places: Places, found: DeltaTable, name: str, version: int | None, as_of: datetime | None
) -> DeltaTable:
    """Returns a table, open at its newest version, at the one of `version` or `as_of`.

    Raises TableError where there is no such version; then, but for a time before all of them, the
    table cannot be used any more.
    """
    if (version is not None and as_of) or (as_of and as_of.tzinfo is None):
        raise TableError(
            f"table {name} is asked for at two states, or at a time without a zone",
            "give a version, or a time such as 2026-05-01T12:00:00Z",
        )
    if as_of is not None:
        version = _version_at(places, name, as_of)
    return found if version is None else _at_version(places, found, name, version)


def _version_at(places: Places, name: str, as_of: datetime) -> int:
    """Returns the version that was current at a time. Raises TableError before the oldest."""
    timeline = Log(places, name).timeline()
    version = timeline.at(as_of)
    if version == timeline.oldest and (began := timeline.time(version)) > as_of:
        raise TableError(
            f"table {name} cannot be read at {rendered(as_of)}",
            f"its oldest readable version {version} is of {rendered(began)}; "
            f"see `logpond history {name}`",
        )
    return version


def _at_version(places: Places, found: DeltaTable, name: str, version: int) -> DeltaTable:
    newest, kept = found.version(), oldest_kept(found)
    named = {tag.version for tag in Tags(places).valid(found, name)} if version < kept else ()
    try:
        if version != newest:
            found.load_as_version(version)
    except (DeltaError, ValueError, OverflowError) as error:
        raise TableError(
            f"table {name} cannot be read at {version}",
            f"its newest version is {newest}; see `logpond history {name}`",
        ) from error
    if version < kept and version not in named:
        raise TableError(
            f"version {found.version()} of table {name} is gone: a vacuum deleted files of it",
            f"versions {kept} to {newest} can be read; see `logpond history {name}`",
        )
    return found


def oldest_kept(found: DeltaTable) -> int:
    """Returns the oldest version of which no file was deleted, as noted in the newest version."""
    return int((found.metadata().configuration or {}).get(OLDEST_PROPERTY, 0))


def note_of(commit: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `store` noted with a commit: writer, batch, rows; empty where it did not."""
    found: dict[str, Any] = json.loads(commit.get(NOTE) or "{}")
    return found


def coordinates(found: DeltaTable, topic: str, ranges: Mapping[int, tuple[int, int]]) -> pa.Table:
    """Returns the coordinates of a topic's rows in offset ranges [a, b).

    They are _topic, _partition, _offset and _item, NULL where a table of old does not have that.
    """
    import pyarrow.compute as pc

    within = pc.scalar(False)
    for partition, (first, end) in ranges.items():
        offset = pc.field("_offset")
        within |= (pc.field("_partition") == partition) & (offset >= first) & (offset < end)
    names = {field.name for field in found.schema().fields}
    has_item = ITEM in names
    columns = ["_topic", "_partition", "_offset", *([ITEM] if has_item else [])]
    rows = found.to_pyarrow_dataset().to_table(
        columns=columns, filter=(pc.field("_topic") == topic) & within
    )
    return rows if has_item else rows.append_column(ITEM, pa.nulls(rows.num_rows, pa.int32()))
