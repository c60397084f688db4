"""Which changes of incidents somebody is told, and in which words. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from anomaly.engine.incident import Incident
from lakehouse.tables.incidents import CLOSED, SEVERITIES

# What Slack's mrkdwn and Markdown act on, and what is said in its place.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CHAT = str.maketrans(_ENTITIES | {sign: chr(ord(sign) + 0xFEE0) for sign in "@*`~[]|"})
# An underscore within a word styles nothing.
_EDGE = re.compile(r"(?<!\w)_|_(?!\w)")
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
        "text": f"{incident.severity} {event}: {without_markup(incident.sentence)}",
        "incident": incident,
    }
    return Alert(name, msgspec.json.encode(message))


def without_markup(text: str) -> str:
    """The same to read, and no markup to a chat: nobody is called, nothing is a link or styled.

    `&`, `<` and `>` as entities, as Slack wants it; what else Slack and Markdown act on is replaced
    by its full-width form. The exact names are in the incident.
    """
    return _EDGE.sub("\uff3f", text.translate(_CHAT)).replace("://", ":\uff0f\uff0f")


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
