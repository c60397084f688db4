"""Does what a person wants done about an incident, and tells what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from lakehouse.paths import Places
from lakehouse.response.action import MUTED, Action
from lakehouse.response.actions import Actions
from lakehouse.response.mutes import Mute, Mutes, Named


class Judged(Named, Protocol):
    """An incident, as far as actions look at it."""

    @property
    def incident_id(self) -> str:
        """By what its actions are found."""

    @property
    def severity(self) -> str:
        """How bad it is by now."""


def respond(places: Places, incident: Judged, done: Action) -> Action:
    """Keeps an action, and mutes the incident's key if it says so. Returns it as it is kept.

    The mute comes first, and holds the action: after a crash in between `history` has it. The same
    action again changes nothing, also where somebody has unmuted the key since.
    """
    actions, its = Actions(places), incident.incident_id
    known = {one.id: one for one in actions.of(its)}
    if done.id in known:
        return known[done.id]
    if done.kind == MUTED and done.until:
        mute = Mute(incident.key, done.at, done.until, done.text, done.who, its, done.id)
        Mutes(places).add(mute)
    return actions.add(its, msgspec.structs.replace(done, severity=incident.severity))


def history(places: Places, incident_id: str, until: datetime | None = None) -> list[Action]:
    """Returns what was done about an incident, the first first; up to a time, if one is given.

    The order is that of their numbers: clocks of several machines may differ.
    """
    noted = Actions(places).of(incident_id)
    names = {one.id for one in noted}
    missing = [one for one in Mutes(places).of_incident(incident_id) if one.id not in names]
    return [one for one in (*noted, *missing) if until is None or one.at <= until]
