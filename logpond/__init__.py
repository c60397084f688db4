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
    from logpond.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Loads the API once a name of it is asked for: `python -m logpond` needs none of them."""
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module 'logpond' has no attribute {name!r}")
    api = importlib.import_module("logpond.api")
    if name == "__all__" or name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'logpond' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Returns the names of the API, for completion."""
    names: list[str] = importlib.import_module("logpond.api").__all__
    return names
