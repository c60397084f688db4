"""What an answer was read from: a note in the metadata of its table."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pyarrow as pa

from lakehouse.past.state import State
from lakehouse.terminal.times import NOW, Moment

KEY = b"logpond.read"


def noted(answer: pa.Table, moment: Moment, states: Iterable[State]) -> pa.Table:
    """Returns an answer that says which states it was read from, unless they are the newest."""
    lines = [] if moment == NOW else [state.source for state in states]
    return answer.replace_schema_metadata({KEY: msgspec.json.encode(lines)} if lines else None)


def of(answer: pa.Table) -> list[str]:
    """Returns what an answer was read from, a line a table; none where it is of now."""
    found: list[str] = msgspec.json.decode((answer.schema.metadata or {}).get(KEY, b"[]"))
    return found
