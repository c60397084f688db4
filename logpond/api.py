"""All names of the public API, in one place to load them from."""

from analytics.look.diff import Difference
from analytics.look.history import Overview, Version
from lakehouse.errors import LogpondError, SettingsError, StorageError, TableError
from lakehouse.tables.tag import Tag
from logpond.answer import Answer
from logpond.lake import Lake, open

__all__ = [
    "Answer",
    "Difference",
    "Lake",
    "LogpondError",
    "Overview",
    "SettingsError",
    "StorageError",
    "TableError",
    "Tag",
    "Version",
    "open",
]
