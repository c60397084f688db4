"""Merges small files, one partition at a time, and orders rows by columns if they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deltalake import DeltaTable

from lakehouse.errors import SettingsError
from lakehouse.maintenance.partitions import ORDERED_BYTES, Part, parts, rewrite
from lakehouse.maintenance.size import SMALL_BYTES, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.skipping import keep
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS

Progress = Callable[[int, int], None]


def optimize(
    places: Places,
    name: str,
    zorder: Sequence[str] = (),
    progress: Progress = lambda _done, _of: None,
) -> Upkeep:
    """Merges small files, one partition at a time; with `zorder`, orders each by these columns.

    Without `zorder` only partitions with several small files are rewritten. Conflicts are repeated.
    Then files of `logs` without an entry in the skip index get one, and damaged ones are made anew.
    Raises TableError where others kept winning, SettingsError for a column without an order.
    """
    found = open_table(places, name)
    _check_columns(found, zorder)
    before, todo = shape(places, name), [p for p in parts(places, name) if zorder or _is_worn(p)]
    for done, part in enumerate(todo):
        progress(done, len(todo))
        rewrite(places, name, part.keys, zorder, merged=ORDERED_BYTES)
    progress(len(todo), len(todo))
    if name == LOGS.name:
        keep.refresh(places)
    return Upkeep(name, "ZORDER" if zorder else "OPTIMIZE", before, shape(places, name))


def _is_worn(part: Part) -> bool:
    """Whether a partition has several small files."""
    return sum(size < SMALL_BYTES for size in part.files.values()) > 1


def _check_columns(found: DeltaTable, zorder: Sequence[str]) -> None:
    known = {field.name for field in found.schema().fields}
    wrong = [c for c in zorder if c not in known or c in found.metadata().partition_columns]
    if wrong:
        raise SettingsError(
            f"a table cannot be ordered by {', '.join(wrong)}: no column, or a partition already",
            "name columns such as endpoint,status_code",
        )
