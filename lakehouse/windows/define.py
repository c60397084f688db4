"""What the windows of a table were made with; a change is refused before it mixes two meanings."""

from __future__ import annotations

from datetime import timedelta

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.paths import Places
from lakehouse.rollup import Rollup
from lakehouse.rollup.value import DEFINITION


def prepare(places: Places, rollup: Rollup, late: timedelta) -> list[str]:
    """Make the table, or check that its windows are of the same kind.

    The columns that it gains now: NULL in the windows that are there, until a rebuild. Raises
    CheckpointError where window, keys or watermark are others than those of the rows.
    """
    found = store.table_or_none(places, rollup.name)
    if found is not None:
        refuse_changed(rollup, found.metadata().configuration or {}, late)
    there = {field.name for field in found.schema().fields} if found else set()
    store.create(places, rollup.table(late))
    return [name for name in rollup.columns.names if found and name not in there]


def refuse_changed(rollup: Rollup, configuration: dict[str, str], late: timedelta) -> None:
    """Raise CheckpointError where the rows of a table were made with something else."""
    made, wanted = configuration.get(DEFINITION), rollup.definition(late)
    if made != wanted:
        raise CheckpointError(
            f"the windows of {rollup.name} changed, and rows of both kinds would not add up:\n"
            f"    its rows  {made}\n    now       {wanted}",
            f"put it back, or make them again from logs: `logpond rebuild {rollup.name}`",
        )
