"""Rows of `anomalies` as they are read; the names of severities, states and units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Withdrawn: its minutes were counted again with late rows, and it is none any more.
OPEN, CLOSED, WITHDRAWN = "open", "closed", "withdrawn"
# As people see one that detection has open: somebody said that it is over. No row has it.
RESOLVED = "resolved"
# From the least to the worst.
SEVERITIES = ("info", "warning", "critical")


@dataclass(frozen=True)
class Unit:
    """How the numbers of a measure are written.

    `of_span` and `of_minute` follow a number of five minutes, or of one, in a sentence; `axis` is
    the label in a chart. `is_share`: it is a part of the `n` requests of the same minutes.
    """

    of_span: str
    of_minute: str
    axis: str
    is_share: bool = False


UNITS = {
    "traffic": Unit("requests in 5 min", "requests in 1 min", "requests in 5 min"),
    "client_errors": Unit("client errors", "client errors", "client errors in 5 min", True),
    "server_errors": Unit("server errors", "server errors", "server errors in 5 min", True),
    "latency": Unit("ms p95", "ms p95", "95th percentile [ms]"),
    "address": Unit("requests", "requests", "requests a minute"),
    "pattern": Unit("lines in 5 min", "lines in 1 min", "lines a minute"),
}


# How the measure of an incident of a rule begins; the rule's name follows.
OF_RULE = "rule:"


def unit_of(measure: str) -> Unit:
    """Returns the unit of a measure; one that is unknown here is written by its name."""
    if measure.startswith(OF_RULE):
        name = f"value of {measure.removeprefix(OF_RULE)}"
        return Unit(name, name, name)
    name = measure.replace("_", " ")
    return UNITS.get(measure) or Unit(name, name, name)


@dataclass(frozen=True)
class Share:
    """A part of an incident: of an endpoint, an address or a status; `share` is 0 to 1."""

    kind: str
    name: str
    share: float


@dataclass(frozen=True)
class IncidentSummary:
    """An incident as lists show it. A field is None if this version of the table lacks it."""

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
    of_past: bool | None
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
    rule: str | None
    labels: list[str]
    runbook: str | None
    message: str | None
    config: str | None
    folded_to: datetime | None
