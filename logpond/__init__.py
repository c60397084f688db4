"""logpond in Python: the tables of a lake, at any version or time. Nothing here writes.

    import logpond

    lake = logpond.open("lake")
    lake.sql("SELECT service, count(*) AS requests FROM logs GROUP BY service", as_of="-1h").pl()

This is the one public API of logpond; every other package is its inside and may change at any time.
No JVM is started. Whatever goes wrong is a `LogpondError` that says what to do.
"""

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
