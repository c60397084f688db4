"""The only package that writes Delta: create, read, and appends that happen once per key."""

from lakehouse.store.commit import DeltaWriter, Key, Writer
from lakehouse.store.files import DataFile
from lakehouse.store.read import held, open_table, table_or_none
from lakehouse.store.schema import create

__all__ = [
    "DataFile",
    "DeltaWriter",
    "Key",
    "Writer",
    "create",
    "held",
    "open_table",
    "table_or_none",
]
