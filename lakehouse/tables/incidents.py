"""Rows of `anomalies` as they are read, and the words in them: severities, states, units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OPEN, CLOSED = "open", "closed"
# From the least to the worst.
SEVERITIES = ("info", "warning", "critical")
# What the numbers of an incident count or measure, by its `measure`.
UNITS = {
    "traffic": "requests in 5 min",
    "client_errors": "client errors in 5 min",
    "server_errors": "server errors in 5 min",
    "latency": "95th percentile [ms]",
    "address": "requests a minute",
}


@dataclass(frozen=True)
class Share:
    """A part of what made an incident: an endpoint, an address, a status; `share` is 0 to 1."""

    kind: str
    name: str
    share: float


@dataclass(frozen=True)
class IncidentSummary:
    """An incident as lists show it. None is what a version of the table does not have yet."""

    incident_id: str
    status: str
    severity: str
    scope: str
    key: str
    service: str
    endpoint: str
    ip: str
    measure: str
    direction: str
    opened: datetime
    last_breach: datetime
    closed: datetime | None
    duration_minutes: int | None
    surprise_peak: float | None
    muted: bool | None
    parent: str | None
    sentence: str | None


@dataclass(frozen=True)
class IncidentRow(IncidentSummary):
    """A whole row of `anomalies`; the numbers are those of its worst minutes, in its unit."""

    observed: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    ratio: float | None
    n: float | None
    surprise_opened: float | None
    usual_when: str | None
    usual_lower: float | None
    usual_upper: float | None
    reasons: list[str]
    contributors: list[Share]
    sample_event_ids: list[str]
    config: str | None
    folded_to: datetime | None
