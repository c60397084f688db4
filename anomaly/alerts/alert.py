"""Which changes of incidents somebody is told, and in which words. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from anomaly.engine.incident import Incident
from lakehouse.tables.incidents import CLOSED, SEVERITIES

OPENED, ESCALATED, ENDED = "opened", "escalated", "closed"


class Change(NamedTuple):
    """An incident as the table held it (None: not at all), and as it is to be written."""

    before: Incident | None
    after: Incident


class Alert(NamedTuple):
    """One message; `name` is the same whenever the same change is told again."""

    name: str
    body: bytes


def event_of(change: Change, was_sent: bool) -> str | None:
    """What a change is to whoever is paged; None where it is not told.

    Part of a wider incident, or muted: not told. The end of an incident is told where something
    else of it was (`was_sent`), or where it had ended before anybody could know of it.
    """
    before, after = change
    if after.parent:
        return None
    if after.status == CLOSED:
        return ENDED if was_sent or (before is None and not after.muted) else None
    if after.muted:
        return None
    if not was_sent or before is None or before.status == CLOSED:
        return OPENED
    return ESCALATED if _rank(after) > _rank(before) else None


def alert_of(incident: Incident, event: str) -> Alert:
    """The message of a change: what it is, one sentence, and all of the incident."""
    name = name_of(incident)
    message: dict[str, Any] = {
        "event": event,
        "idempotency_key": name,
        "text": f"{incident.severity} {event}: {incident.sentence}",
        "incident": incident,
    }
    return Alert(name, msgspec.json.encode(message))


def nothing() -> Alert:
    """A message that means nothing, to see whether one arrives."""
    message = {"event": "test", "idempotency_key": "test", "text": "logpond can reach you"}
    return Alert("test", msgspec.json.encode({**message, "incident": None}))


def name_of(incident: Incident) -> str:
    """Incident and revision: the minute, status and severity that no other change of it has."""
    at = f"{incident.folded_to:%Y%m%dT%H%MZ}"
    return f"{incident.incident_id}-{at}-{incident.status}-{incident.severity}"


def _rank(incident: Incident) -> int:
    return SEVERITIES.index(incident.severity)
