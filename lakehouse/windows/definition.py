"""Notes what the windows of a table are made with, and refuses a change that would mix meanings."""

from __future__ import annotations

import json
from datetime import timedelta

from deltalake import DeltaTable, Schema

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.paths import Places
from lakehouse.tables.rollups import DEFINITION, WATERMARK, Rollup


def prepare(places: Places, rollup: Rollup, late: timedelta) -> list[str]:
    """Makes the table, or checks that its windows are of the same kind.

    Returns the columns that it gains now; they are NULL in existing windows until a rebuild. Raises
    CheckpointError where window, keys, watermark or columns differ from those of the rows.
    """
    found = store.table_or_none(places, rollup.name)
    if found is not None:
        _refuse_changed(rollup, found, late)
    there = {field.name for field in found.schema().fields} if found else set()
    store.create(places, rollup.table(late))
    return [name for name in rollup.columns.names if found and name not in there]


def has_same_windows(rollup: Rollup, found: DeltaTable) -> bool:
    """Whether a table has windows of the same size and keys; the lateness may differ."""
    made, wanted = json.loads(_made(found)), json.loads(rollup.definition(WATERMARK))
    return all(made.get(what) == wanted[what] for what in ("window", "keys"))


def unfit(rollup: Rollup, found: DeltaTable) -> list[str]:
    """Returns the columns of a table that its rollup no longer has, or has with another type."""
    wanted = {field.name: field.type for field in Schema.from_arrow(rollup.columns).fields}
    return [field.name for field in found.schema().fields if wanted.get(field.name) != field.type]


def _refuse_changed(rollup: Rollup, found: DeltaTable, late: timedelta) -> None:
    made, wanted, others = _made(found), rollup.definition(late), unfit(rollup, found)
    if made == wanted and not others:
        return
    columns = f"\n    columns that are others now: {', '.join(others)}" if others else ""
    raise CheckpointError(
        f"the windows of {rollup.name} changed, and rows of both kinds would not add up:\n"
        f"    its rows  {made}\n    now       {wanted}{columns}",
        f"put it back, or make them again from logs: `logpond rebuild {rollup.name}`",
    )


def _made(found: DeltaTable) -> str:
    """Returns what the rows of a table were made with, as JSON."""
    return (found.metadata().configuration or {}).get(DEFINITION) or "{}"
