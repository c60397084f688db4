"""Upkeep of a table, beside whatever reads and writes it: fewer files, a shorter past.

Rows stay as they are. Rewritten files say so in the log (`dataChange` false): no stream sees them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError

from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.store.log import Log
from lakehouse.store.read import OLDEST_PROPERTY, check_writer, oldest_kept

SMALL_BYTES = 16 << 20
TARGET_BYTES = 128 << 20
ATTEMPTS = 10
WRITTEN = WriterProperties(compression="ZSTD", compression_level=1)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shape:
    """What a table weighs: active files and bytes, versions, and how far back it can be read."""

    files: int
    small_files: int
    bytes: int
    version: int
    oldest_version: int


@dataclass(frozen=True)
class Upkeep:
    """What was done to a table; `removed` files went, or would go in a dry run."""

    table: str
    operation: str
    before: Shape
    after: Shape
    removed: int = 0


def shape(places: Places, name: str) -> Shape:
    """The weight of a table as it is now."""
    found = open_table(places, name)
    sizes = pa.table(found.get_add_actions())["size_bytes"]
    return Shape(
        files=len(sizes),
        small_files=pc.sum(pc.less(sizes, SMALL_BYTES)).as_py() or 0,
        bytes=pc.sum(sizes).as_py() or 0,
        version=found.version(),
        oldest_version=max(Log(places, name).oldest(), oldest_kept(found)),
    )


def optimize(
    places: Places,
    name: str,
    zorder: Sequence[str] = (),
    progress: Progress = lambda _done, _of: None,
) -> Upkeep:
    """Merge small files, a partition at a time; with `zorder`, order each partition by columns.

    Without it only partitions with several small files are touched. A conflict is tried again;
    TableError where others kept winning, SettingsError for a column that cannot be ordered by.
    """
    found = open_table(places, name)
    check_writer(found, "deltalake")
    _check_columns(found, zorder)
    before, todo = shape(places, name), list(_partitions(found, every=bool(zorder)))
    for done, partition in enumerate(todo):
        progress(done, len(todo))
        _retried(places, name, partial(_rewrite, partition=partition, zorder=zorder))
    progress(len(todo), len(todo))
    return Upkeep(name, "ZORDER" if zorder else "OPTIMIZE", before, shape(places, name))


def vacuum(places: Places, name: str, hours: int | None = None, dry_run: bool = False) -> Upkeep:
    """Delete files that no version of the last `hours` needs; the table's retention unless given.

    Files of batches that are not committed yet are never touched. What can be read no more is
    written down before the first file goes. SettingsError for less than an hour.
    """
    found = open_table(places, name)
    check_writer(found, "deltalake")
    hours = _hours(found, hours)
    before = shape(places, name)
    doomed = found.vacuum(hours, dry_run=True, enforce_retention_duration=False)
    if doomed and not dry_run:
        _note_oldest(places, found, name, datetime.now(UTC) - timedelta(hours=hours))
        _retried(places, name, partial(_delete, hours=hours))
    return Upkeep(name, "VACUUM", before, shape(places, name), len(doomed))


def _partitions(found: DeltaTable, every: bool) -> Iterator[list[tuple[str, str, str]]]:
    """Filters of the partitions to rewrite: all, or those with several small files."""
    keys = found.metadata().partition_columns
    adds = pa.table(found.get_add_actions(flatten=True))
    columns = [f"partition.{key}" for key in keys]
    small = adds if every else adds.filter(pc.less(adds["size_bytes"], SMALL_BYTES))
    counted = small.group_by(columns).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counted, key=str):
        if every or row["count_all"] > 1:
            yield [(key, "=", str(row[f"partition.{key}"])) for key in keys]


def _rewrite(at: DeltaTable, partition: list[tuple[str, str, str]], zorder: Sequence[str]) -> None:
    if zorder:
        at.optimize.z_order([*zorder], partition, TARGET_BYTES, writer_properties=WRITTEN)
    else:
        at.optimize.compact(partition, TARGET_BYTES, writer_properties=WRITTEN)


def _delete(at: DeltaTable, hours: int) -> None:
    at.vacuum(hours, dry_run=False, enforce_retention_duration=False)


def _note_oldest(places: Places, found: DeltaTable, name: str, cutoff: datetime) -> None:
    """Every version that was current at the cutoff, or later, keeps all its files."""
    kept = max(Log(places, name).at(cutoff, found.version()), oldest_kept(found))
    noted = {OLDEST_PROPERTY: str(kept)}
    _retried(places, name, lambda at: at.alter.set_table_properties(noted, False))


def _retried(places: Places, name: str, change: Callable[[DeltaTable], object]) -> None:
    """Make a change to the newest state, again where another commit came between."""
    for attempt in range(ATTEMPTS):
        try:
            change(open_table(places, name))
        except CommitFailedError:
            time.sleep(random.uniform(0, 0.1 * (attempt + 1)))
        else:
            return
    raise TableError(
        f"table {name} did not take the change: {ATTEMPTS} conflicts",
        "another process rewrites the same files; try again when it is done",
    )


def _check_columns(found: DeltaTable, zorder: Sequence[str]) -> None:
    known = {field.name for field in found.schema().fields}
    wrong = [c for c in zorder if c not in known or c in found.metadata().partition_columns]
    if wrong:
        raise SettingsError(
            f"a table cannot be ordered by {', '.join(wrong)}: no column, or a partition already",
            "name columns such as endpoint,status_code",
        )


def _hours(found: DeltaTable, asked: int | None) -> int:
    kept = (found.metadata().configuration or {}).get("delta.deletedFileRetentionDuration", "")
    hours = next((int(word) for word in kept.split() if word.isdigit()), 168)
    hours = hours if asked is None else asked
    if hours < 1:
        raise SettingsError(
            "VACUUM must keep an hour at least: a query or a commit under way may need the files",
            "give --hours 1 or more; the default is the table's own retention",
        )
    return hours
