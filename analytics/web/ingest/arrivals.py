"""What came in lately: the newest events of a source, and what went to quarantine instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.web.lake.lake import Lake
from lakehouse.tables.catalog import LOGS, QUARANTINE

LOOK_BACK = timedelta(minutes=15)
MOST_FILES, MOST_EVENTS, MOST_REASONS, MOST_CHARS = 512, 5, 3, 200


@dataclass(frozen=True)
class Event:
    """An event that came: when it was decoded, and its beginning."""

    ingested: datetime
    timestamp: datetime
    service: str
    level: str | None
    message: str | None


@dataclass(frozen=True)
class Reason:
    """Why records were rejected: how many, and the fault of one of them in words."""

    reason: str
    records: int
    detail: str


@dataclass(frozen=True)
class Arrivals:
    """What came of a source in the last minutes, the newest first, and what was rejected."""

    source: str
    events: list[Event] = field(default_factory=list)
    rejects: list[Reason] = field(default_factory=list)


def arrivals(lake: Lake, source: str, topic: str) -> Arrivals:
    """Returns the arrivals of the last 15 minutes: events of a service or source of this name.

    Rejects are of that source, or of the gateway's topic: nobody knows the service of those.
    """
    since = datetime.now(UTC) - LOOK_BACK
    events = _recent(
        lake,
        LOGS.name,
        since,
        f"SELECT _ingested_at AS ingested, timestamp, service, level, left(message, {MOST_CHARS}) "
        "AS message FROM logs WHERE (service = $1 OR _source = $1) AND _ingested_at >= $2 "
        f"ORDER BY ingested DESC, timestamp DESC LIMIT {MOST_EVENTS}",
        [source, since],
    )
    rejects = _recent(
        lake,
        QUARANTINE.name,
        since,
        f"SELECT reason, count(*) AS records, left(max(detail), {MOST_CHARS}) AS detail "
        "FROM quarantine WHERE (_source = $1 OR _topic = $3) AND _ingested_at >= $2 "
        f"GROUP BY reason ORDER BY records DESC, reason LIMIT {MOST_REASONS}",
        [source, since, topic],
    )
    return Arrivals(source, [Event(**row) for row in events], [Reason(**row) for row in rejects])


def _recent(
    lake: Lake, table: str, since: datetime, sql: str, values: Sequence[Any]
) -> list[dict[str, Any]]:
    """Returns the rows of a query on the files of a table that were written since a time."""
    state = lake.newest(table)
    if state is None:
        return []
    files = state.written_since(since, MOST_FILES)
    return lake.ask(sql, values, {table: files}) if files.adds.num_rows else []
