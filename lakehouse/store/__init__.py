"""The only package that writes Delta: create, read, and appends that happen once per key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakehouse.paths import Places
from lakehouse.store.commit import DeltaWriter, Key, Writer
from lakehouse.store.files import DataFile
from lakehouse.store.read import held, note_of, oldest_kept, open_table, table_or_none
from lakehouse.store.remove import remove
from lakehouse.store.replace import WRITTEN, Replacement, replace
from lakehouse.store.retry import retried
from lakehouse.store.schema import create, set_property
from lakehouse.tables.catalog import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def writer(chosen: str, places: Places, table: Table, spark: SparkSession | None) -> Writer:
    """What commits to a table: `deltalake`, or `spark`, which needs the session."""
    if chosen == "deltalake" or spark is None:
        return DeltaWriter(places, table)
    from lakehouse.store.spark import SparkWriter

    return SparkWriter(places, table, spark)


__all__ = [
    "WRITTEN",
    "DataFile",
    "DeltaWriter",
    "Key",
    "Replacement",
    "Writer",
    "create",
    "held",
    "note_of",
    "oldest_kept",
    "open_table",
    "remove",
    "replace",
    "retried",
    "set_property",
    "table_or_none",
    "writer",
]
