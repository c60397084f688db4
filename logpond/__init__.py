"""logpond in Python: the tables of a lake, at any version or time. Nothing here writes.

    import logpond

    lake = logpond.open("lake")
    lake.sql("SELECT service, count(*) AS requests FROM logs GROUP BY service", as_of="-1h").pl()

This is the one public API of logpond; every other package is its inside and may change at any time.
No JVM is started. Whatever goes wrong is a `LogpondError` that says what to do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logpond.api import (
        Answer,
        Difference,
        Lake,
        LogpondError,
        Overview,
        SettingsError,
        StorageError,
        TableError,
        Tag,
        Version,
        open,
    )

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


def __getattr__(name: str) -> Any:
    """Loads the API once a name of it is asked for: `python -m logpond` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module 'logpond' has no attribute {name!r}")
    return getattr(importlib.import_module("logpond.api"), name)
