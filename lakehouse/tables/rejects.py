"""Pure. Which rejects are open, as SQL: those that are not in `logs`, by their coordinates."""

from __future__ import annotations

from collections.abc import Collection

ITEM = "_item"
NO_ITEM = "NULL::INTEGER"
OPEN = """
NOT EXISTS (SELECT 1 FROM logs AS event
    WHERE event._topic = {reject}._topic AND event._partition = {reject}._partition
    AND event._offset = {reject}._offset
    AND ({own} IS NULL OR {other} IS NOT DISTINCT FROM {own}))
"""


def is_open(reject: str, columns: Collection[str], of_logs: Collection[str]) -> str:
    """Returns the condition under which a row named `reject` is open; `logs` must be in sight.

    A record that was rejected whole is open while none of its events is in `logs`, one event of
    several while that one is not. `columns` are those of the rejects and `of_logs` those of `logs`:
    tables of old have no number of an event in its record.
    """
    own = item(columns, reject)
    return OPEN.format(reject=reject, own=own, other=item(of_logs, "event"))


def item(columns: Collection[str], of: str = "") -> str:
    """Returns the number of an event in its record, as SQL; NULL where the table has none."""
    return f"{of}.{ITEM}".lstrip(".") if ITEM in columns else NO_ITEM
