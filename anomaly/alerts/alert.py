"""Decides which changes of incidents are sent as alerts, and writes their messages. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from anomaly.engine.incident import Incident
from lakehouse.response.action import Action, latest
from lakehouse.tables.incidents import CLOSED, OPEN, RESOLVED, SEVERITIES, WITHDRAWN

# What Slack's mrkdwn and Markdown act on, and what is said in its place.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CHAT = str.maketrans(_ENTITIES | {sign: chr(ord(sign) + 0xFEE0) for sign in "@*`~[]|"})
# An underscore within a word styles nothing.
_EDGE = re.compile(r"(?<!\w)_|_(?!\w)")
OPENED, ESCALATED, ENDED = "opened", "escalated", "closed"
# Still open, a while after it was last sent.
REPEATED = "repeated"
# A message has the last so many things that people did.
ACTIONS_MOST = 10


class Change(NamedTuple):
    """An incident as the table has it (None: not yet), and as it is to be written."""

    before: Incident | None
    after: Incident


class Alert(NamedTuple):
    """One message; its `name` is the same each time that the same change is sent."""

    name: str
    body: bytes


def event_of(change: Change, was_sent: bool) -> str | None:
    """Returns the event of a change for whoever is paged, or None if it is not sent.

    Incidents that are part of another one, or muted, are not sent. One that is withdrawn is sent
    if something else of it was. The end of an incident is sent
    if something else of it was (`was_sent`), or if it had ended before anybody could know of it.
    """
    before, after = change
    if after.parent and not was_sent:
        return None
    if after.status == WITHDRAWN:
        return WITHDRAWN if was_sent else None
    if after.status == CLOSED:
        return ENDED if was_sent or (before is None and not after.muted) else None
    if after.muted or after.parent:
        return None
    if not was_sent or before is None or before.status == CLOSED:
        return OPENED
    return ESCALATED if _rank(after) > _rank(before) else None


def event_after_resolve(change: Change, still_resolved: bool, was_sent: bool) -> str | None:
    """Returns the event of a change of an incident of which no more was sent than its resolve.

    Its end is no news. One that is worse, or goes on for long, is sent as opened.
    """
    after = change.after
    if after.status == WITHDRAWN:
        return WITHDRAWN if was_sent else None
    is_back = after.status == OPEN and not (still_resolved or after.muted or after.parent)
    return OPENED if is_back else None


def alert_of(
    incident: Incident, event: str, actions: Sequence[Action] = (), name: str = ""
) -> Alert:
    """Returns a message: the event, one sentence, the whole incident, and what people did.

    It is named by the incident's revision where it is given no name.
    """
    name = name or name_of(incident)
    message: dict[str, Any] = {
        "event": event,
        "idempotency_key": name,
        "text": f"{incident.severity} {event}: {without_markup(incident.sentence)}",
        "incident": incident,
        "actions": actions[-ACTIONS_MOST:],
    }
    return Alert(name, msgspec.json.encode(message))


def alert_of_resolve(incident: Incident, actions: Sequence[Action]) -> Alert:
    """Returns the message that somebody has resolved an incident, which is one of the actions."""
    resolve = latest(actions, RESOLVED)
    name = f"{incident.incident_id}-{RESOLVED}-{resolve.id if resolve else ''}"
    return alert_of(incident, RESOLVED, actions, name)


def is_of_resolve(name: str) -> bool:
    """Whether a message of this name said that an incident is resolved."""
    return f"-{RESOLVED}-" in name


def without_markup(text: str) -> str:
    """Returns a text that reads the same, and is no markup in a chat: no mention, link or style.

    `&`, `<` and `>` become entities, as Slack wants it; other characters that Slack or Markdown act
    on become their full-width form. The exact names are in the incident.
    """
    return _EDGE.sub("\uff3f", text.translate(_CHAT)).replace("://", ":\uff0f\uff0f")


def nothing() -> Alert:
    """Returns a test message, to see whether one arrives."""
    message = {"event": "test", "idempotency_key": "test", "text": "logpond can reach you"}
    return Alert("test", msgspec.json.encode({**message, "incident": None, "actions": []}))


def name_of(incident: Incident) -> str:
    """Returns the name of a revision of an incident: its id, minute, status and severity."""
    at = f"{incident.folded_to:%Y%m%dT%H%MZ}"
    return f"{incident.incident_id}-{at}-{incident.status}-{incident.severity}"


def _rank(incident: Incident) -> int:
    return SEVERITIES.index(incident.severity)
