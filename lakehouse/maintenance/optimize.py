"""Fewer files: small ones merged, a partition at a time, in an order if one is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, WriterProperties

from lakehouse.errors import SettingsError
from lakehouse.maintenance.retry import retried
from lakehouse.maintenance.shape import SMALL_BYTES, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.store.read import check_writer

TARGET_BYTES = 128 << 20
WRITTEN = WriterProperties(compression="ZSTD", compression_level=1)

Progress = Callable[[int, int], None]


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
        retried(places, name, partial(_rewrite, partition=partition, zorder=zorder))
    progress(len(todo), len(todo))
    return Upkeep(name, "ZORDER" if zorder else "OPTIMIZE", before, shape(places, name))


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


def _check_columns(found: DeltaTable, zorder: Sequence[str]) -> None:
    known = {field.name for field in found.schema().fields}
    wrong = [c for c in zorder if c not in known or c in found.metadata().partition_columns]
    if wrong:
        raise SettingsError(
            f"a table cannot be ordered by {', '.join(wrong)}: no column, or a partition already",
            "name columns such as endpoint,status_code",
        )
