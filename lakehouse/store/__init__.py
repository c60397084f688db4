"""The only package that writes Delta: it creates, reads, and appends exactly once per key."""

from __future__ import annotations

from lakehouse.store.commit import Key, Writer
from lakehouse.store.files import DataFile
from lakehouse.store.read import (
    coordinates,
    data_files,
    note_of,
    oldest_kept,
    open_table,
    table_or_none,
)
from lakehouse.store.remove import remove
from lakehouse.store.replace import WRITTEN, Replacement, replace
from lakehouse.store.retry import retried
from lakehouse.store.schema import create, set_property

__all__ = [
    "WRITTEN",
    "DataFile",
    "Key",
    "Replacement",
    "Writer",
    "coordinates",
    "create",
    "data_files",
    "note_of",
    "oldest_kept",
    "open_table",
    "remove",
    "replace",
    "retried",
    "set_property",
    "table_or_none",
]
