"""Mutes: keys that no alert is sent for until a time. They are kept in the lake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from anomaly.engine.incident import Incident
from anomaly.engine.minute import ADDRESS, GLOBAL, Key
from lakehouse.paths import Places
from lakehouse.store import durable, objects
from lakehouse.tables.incidents import OPEN

EVERYTHING = str(Key())


class Mute(msgspec.Struct, frozen=True):
    """No alert is sent for incidents of `key`, or of a part of it, before `until`."""

    key: str
    since: datetime
    until: datetime
    why: str = ""

    def covers(self, incident: Incident) -> bool:
        """Whether an incident is of this key or of a part of it. An address is part of no key."""
        if incident.key == self.key:
            return True
        if incident.scope == ADDRESS:
            return False
        return self.key in (EVERYTHING, incident.service)


class Mutes:
    """All mutes of a lake, one small file each."""

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, places.mutes

    def add(self, mute: Mute) -> None:
        """Mutes a key, in place of an earlier mute of it. Deletes mutes that are over."""
        at = objects.store(self._place)
        for old in self._all():
            if old.until <= mute.since:
                objects.delete(at, _name(old.key))
        durable.put(self._places, self._place, _name(mute.key), msgspec.json.encode(mute))

    def remove(self, key: str) -> bool:
        """Unmutes a key. Returns whether it was muted."""
        at = objects.reader(self._place)
        was_there = objects.get(at, _name(key)) is not None
        objects.delete(at, _name(key))
        return was_there

    def now(self, now: datetime) -> list[Mute]:
        """Returns the mutes that hold at a time, the first to end first."""
        holding = [mute for mute in self._all() if mute.until > now]
        return sorted(holding, key=lambda one: (one.until, one.key))

    def _all(self) -> Iterator[Mute]:
        at = objects.reader(self._place)
        read = (_read(objects.get(at, name)) for name in objects.names(at, ""))
        return (mute for mute in read if mute)


def key_of(text: str) -> str:
    """Returns a key as incidents show it; `global` is all traffic."""
    return EVERYTHING if text.strip() == GLOBAL else text.strip()


def is_muted(incident: Incident, mutes: Iterable[Mute]) -> bool:
    """Whether any of these mutes covers an incident."""
    return any(mute.covers(incident) for mute in mutes)


def as_muted_now(incident: Incident, mutes: Iterable[Mute]) -> Incident:
    """Returns an incident as it is shown: if open, it is also muted by mutes that came after it."""
    muted = incident.muted or (incident.status == OPEN and is_muted(incident, mutes))
    return msgspec.structs.replace(incident, muted=muted)


def _name(key: str) -> str:
    """Returns a file name for a key, which may hold any characters."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(content: bytes | None) -> Mute | None:
    """Parses a mute; None where its file is gone or is not a mute."""
    try:
        return msgspec.json.decode(content or b"", type=Mute)
    except msgspec.DecodeError:
        return None
