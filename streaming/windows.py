"""The second query of the program: windows of half an hour for `traffic` and `usage`, and days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from lakehouse.ingest import queries
from lakehouse.paths import Places
from lakehouse.settings import Windows
from lakehouse.tables.rollups import WINDOWS
from lakehouse.windows.definition import prepare
from lakehouse.windows.run import ClosingRun
from lakehouse.windows.stream import WindowsReport

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

UNFILLED = "{table} has gained {columns}: NULL in windows closed before, until `rebuild {table}`"


def prepare_tables(places: Places, settings: Windows, say: Callable[[str], None]) -> None:
    """Makes the tables. Raises CheckpointError where they have windows of another kind.

    The same for a checkpoint that is not whole. `say` is called with columns that are new.
    """
    queries.WINDOWS.checkpoint(places).progress()
    for rollup in WINDOWS:
        if gained := prepare(places, rollup, late(settings)):
            say(UNFILLED.format(table=rollup.name, columns=", ".join(gained)))


def late(settings: Windows) -> timedelta:
    """Returns how long a window waits for late events."""
    return timedelta(minutes=settings.watermark_minutes)


def windows(
    spark: SparkSession,
    places: Places,
    settings: Windows,
    on_closed: Callable[[WindowsReport], None],
    failed: Callable[[Exception], None],
) -> ClosingRun:
    """Returns the query, which is not started yet."""
    name, every = queries.WINDOWS.name, settings.trigger_seconds
    return ClosingRun(spark, places, name, WINDOWS, late(settings), every, on_closed, failed)
