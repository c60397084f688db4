"""Rejected records: how many for which reason, and what came, as far as it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import State

A_PAGE = 20
# A payload may be a megabyte; its beginning tells enough.
SHOWN_CHARS = 2000


@dataclass(frozen=True)
class Reason:
    """A fault, how often, and when last."""

    reason: str
    rows: int
    newest: datetime


@dataclass(frozen=True)
class Reject:
    """One rejected record: the beginning of its payload, and where it came from."""

    reason: str
    detail: str
    payload: str | None
    payload_encoding: str | None
    payload_length: int | None
    payload_sha256: str | None
    _topic: str
    _partition: int
    _offset: int
    _kafka_timestamp: datetime


def reasons(snapshot: Snapshot, table: State) -> list[Reason]:
    """Every reason, the most frequent first."""
    found = snapshot.ask(
        "SELECT reason, count(*) AS rows, max(_kafka_timestamp) AS newest FROM quarantine "
        "GROUP BY reason ORDER BY rows DESC, reason",
        quarantine=table.files,
    )
    return [Reason(**row) for row in found]


def rejects(snapshot: Snapshot, table: State, reason: str, skip: int) -> list[Reject]:
    """The newest ones, of one reason if any is named; one more than a page where there are more."""
    names = (field.name for field in fields(Reject))
    shown = f"substr(payload, 1, {SHOWN_CHARS}) AS payload"
    columns = ", ".join(shown if name == "payload" else name for name in names)
    found = snapshot.ask(
        f"SELECT {columns} FROM quarantine WHERE $1 = '' OR reason = $1 "
        f"ORDER BY _kafka_timestamp DESC, _partition, _offset DESC LIMIT {A_PAGE + 1} OFFSET $2",
        [reason, skip],
        quarantine=table.files,
    )
    return [Reject(**row) for row in found]
