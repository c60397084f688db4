"""Mutes: keys that no alert is sent for until a time. They are kept in the lake.

A mute by way of an incident says which and by which action: if its writer died before it noted the
action, whoever takes the mute away does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from lakehouse.paths import Places
from lakehouse.response.action import MUTED, Action
from lakehouse.response.actions import Actions
from lakehouse.store import durable, objects

# As incidents name all traffic; and what people may call it.
EVERYTHING, GLOBAL, ADDRESS = "all traffic", "global", "address"


class Named(Protocol):
    """An incident, as far as mutes look at it."""

    @property
    def key(self) -> str:
        """What it is of."""

    @property
    def scope(self) -> str:
        """What kind of key that is."""

    @property
    def service(self) -> str:
        """The service of the key, if any."""


class Mute(msgspec.Struct, frozen=True):
    """No alert is sent for incidents of `key`, or of a part of it, before `until`."""

    key: str
    since: datetime
    until: datetime
    why: str = ""
    who: str = ""
    incident_id: str = ""
    action_id: str = ""

    def covers(self, incident: Named) -> bool:
        """Whether an incident is of this key or of a part of it. An address is part of no key."""
        if incident.key == self.key:
            return True
        if incident.scope == ADDRESS:
            return False
        return self.key in (EVERYTHING, incident.service)

    @property
    def action(self) -> Action:
        """What was done about its incident."""
        return Action(self.action_id, MUTED, self.since, self.who, self.why, self.until)


class Mutes:
    """All mutes of a lake, one small file each."""

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, places.mutes

    def add(self, mute: Mute) -> None:
        """Mutes a key, in place of an earlier mute of it. Deletes mutes that are over."""
        at = objects.store(self._place)
        for old in self._all():
            if old.until <= mute.since or old.key == mute.key:
                self._note(old)
            if old.until <= mute.since:
                objects.delete(at, _name(old.key))
        durable.put(self._places, self._place, _name(mute.key), msgspec.json.encode(mute))

    def remove(self, key: str) -> bool:
        """Unmutes a key. Returns whether it was muted."""
        at = objects.reader(self._place)
        was_there = objects.get(at, _name(key)) is not None
        for old in self._all():
            if old.key == key:
                self._note(old)
        objects.delete(at, _name(key))
        return was_there

    def now(self, now: datetime) -> list[Mute]:
        """Returns the mutes that hold at a time, the first to end first."""
        holding = [mute for mute in self._all() if mute.until > now]
        return sorted(holding, key=lambda one: (one.until, one.key))

    def of_incident(self, incident_id: str) -> list[Action]:
        """Returns what mutes say was done about an incident, noted there or not."""
        return [mute.action for mute in self._all() if mute.incident_id == incident_id]

    def _note(self, mute: Mute) -> None:
        """Notes the action of a mute where it is missing, before the mute goes."""
        if mute.incident_id:
            Actions(self._places).add(mute.incident_id, mute.action)

    def _all(self) -> Iterator[Mute]:
        at = objects.reader(self._place)
        read = (_read(objects.get(at, name)) for name in objects.names(at, ""))
        return (mute for mute in read if mute)


def key_of(text: str) -> str:
    """Returns a key as incidents show it; `global` is all traffic."""
    return EVERYTHING if text.strip() == GLOBAL else text.strip()


def _name(key: str) -> str:
    """Returns a file name for a key, which may hold any characters."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(content: bytes | None) -> Mute | None:
    """Parses a mute; None where its file is gone or is not a mute."""
    try:
        return msgspec.json.decode(content or b"", type=Mute)
    except msgspec.DecodeError:
        return None
