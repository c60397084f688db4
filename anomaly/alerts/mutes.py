"""Keys that nobody wants to be told about for a while: kept in the lake, each until its time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from anomaly.engine.incident import Incident
from anomaly.engine.minute import ADDRESS, GLOBAL, Key
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.tables.incidents import OPEN

EVERYTHING = str(Key())


class Mute(msgspec.Struct, frozen=True):
    """Incidents of `key`, and of what is part of it, are not told until then."""

    key: str
    since: datetime
    until: datetime
    why: str = ""

    def covers(self, incident: Incident) -> bool:
        """Whether an incident is of this key or of a part of it; no address is part of a key."""
        if incident.key == self.key:
            return True
        if incident.scope == ADDRESS:
            return False
        return self.key in (EVERYTHING, incident.service)


class Mutes:
    """All mutes of a lake."""

    def __init__(self, places: Places) -> None:
        self._place = places.mutes

    def add(self, mute: Mute) -> None:
        """Mute a key in place of what was said of it before; those that are over are deleted."""
        at = objects.store(self._place)
        for old in self._all():
            if old.until <= mute.since:
                objects.delete(at, _name(old.key))
        objects.put(at, _name(mute.key), msgspec.json.encode(mute))

    def remove(self, key: str) -> bool:
        """Unmute a key; whether it was muted."""
        at = objects.reader(self._place)
        was_there = objects.get(at, _name(key)) is not None
        objects.delete(at, _name(key))
        return was_there

    def now(self, now: datetime) -> list[Mute]:
        """Those that hold, the next to end first."""
        holding = [mute for mute in self._all() if mute.until > now]
        return sorted(holding, key=lambda one: (one.until, one.key))

    def _all(self) -> Iterator[Mute]:
        at = objects.reader(self._place)
        read = (_read(objects.get(at, name)) for name in objects.names(at, ""))
        return (mute for mute in read if mute)


def key_of(text: str) -> str:
    """A key as incidents show it; `global` is all traffic."""
    return EVERYTHING if text.strip() == GLOBAL else text.strip()


def is_muted(incident: Incident, mutes: Iterable[Mute]) -> bool:
    """Whether any of these covers an incident."""
    return any(mute.covers(incident) for mute in mutes)


def as_muted_now(incident: Incident, mutes: Iterable[Mute]) -> Incident:
    """An incident as it is shown: one that is open is muted too where that came after it."""
    muted = incident.muted or (incident.status == OPEN and is_muted(incident, mutes))
    return msgspec.structs.replace(incident, muted=muted)


def _name(key: str) -> str:
    """A key may hold anything; a name of a file must not."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(content: bytes | None) -> Mute | None:
    """None where it is gone meanwhile, or is no mute."""
    try:
        return msgspec.json.decode(content or b"", type=Mute)
    except msgspec.DecodeError:
        return None
