"""What is said where an answer takes more than the settings of `[sql]` allow."""

from __future__ import annotations

from lakehouse.errors import SettingsError
from lakehouse.settings import Sql


def too_long(limits: Sql) -> SettingsError:
    """Time is over."""
    return SettingsError(
        f"no answer within {limits.seconds:g} s", "ask for less, or raise [sql] seconds"
    )


def not_of_logs() -> SettingsError:
    """A query of logs beside a statement that reads no `logs`."""
    return SettingsError(
        "`where` chooses rows of logs, and this statement reads none",
        "ask FROM logs, or leave `where` out",
    )


def too_large(limits: Sql) -> SettingsError:
    """The answer does not fit into memory."""
    return SettingsError(
        f"the answer is larger than {limits.memory_mb} MB",
        "LIMIT it, ask a part at a time, or raise [sql] memory_mb",
    )
