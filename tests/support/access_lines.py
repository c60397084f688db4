"""Builders: lines of access logs as events."""

from __future__ import annotations

from datetime import datetime

from lakehouse.event.fields import LogEvent
from lakehouse.formats.requests.access_log import fields


def parse(line: str | bytes, service: str, event_id: str) -> LogEvent | None:
    """The event of a line; None for a line that is none."""
    found = fields(line)
    if not isinstance(found, dict):
        return None
    time = datetime.fromisoformat(found.pop("timestamp"))
    own = {name: value for name, value in found.items() if name in LogEvent.__dataclass_fields__}
    return LogEvent(event_id=event_id, timestamp=time, service=service, **own)
