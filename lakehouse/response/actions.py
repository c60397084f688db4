"""The actions of people on incidents, an object each, in the lake.

An action is written once under the next number of its incident, and only where nobody has taken
that number: of two at once each gets one. It carries an id, so that who sends it again, as a
browser that got no answer, finds it there and writes no second one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.response.action import NAME, Action
from lakehouse.store import durable, objects

# Of one incident; a script that runs wild fills no bucket.
MOST = 1000
# An action that was read is kept in memory, as it never changes: so many at most.
REMEMBERED = 10_000
NUMBERED = re.compile(r"(.+)/(\d{6})\.json")


@dataclass
class Actions:
    """The actions of all incidents of a lake."""

    places: Places
    _known: dict[str, Action | None] = field(default_factory=dict)

    def of(self, incident_id: str) -> list[Action]:
        """Returns what was done about an incident, the first first."""
        at = objects.reader(self.places.actions)
        names = objects.names(at, incident_id) if NAME.fullmatch(incident_id) else []
        return self._read(at, [f"{incident_id}/{name}" for name in names])

    def names(self) -> list[str]:
        """Returns the names of all actions, in order; another one means that there is one more."""
        return sorted(objects.names_below(objects.reader(self.places.actions)))

    def by_incident(self, wanted: Collection[str]) -> dict[str, list[Action]]:
        """Returns what was done about these incidents, by their ids; the others are left out."""
        if not wanted:
            return {}
        at, named = objects.reader(self.places.actions), dict[str, list[str]]()
        for name in objects.names_below(at):
            if (found := NUMBERED.fullmatch(name)) and found[1] in wanted:
                named.setdefault(found[1], []).append(name)
        read = {incident_id: self._read(at, names) for incident_id, names in named.items()}
        return {incident_id: done for incident_id, done in read.items() if done}

    def add(self, incident_id: str, done: Action) -> Action:
        """Keeps an action, and returns it as it is kept: once, whatever was sent again.

        Raises SettingsError where an incident has too many.
        """
        if not NAME.fullmatch(incident_id):
            raise SettingsError("nothing can be noted of this incident", "its id is no name")
        at = objects.store(self.places.actions)
        taken = {int(name[:6]) for name in objects.names(at, incident_id) if name[:6].isdigit()}
        for there in self.of(incident_id):
            if there.id == done.id:
                return there
        for number in range(max(taken, default=0) + 1, MOST + 1):
            name = f"{incident_id}/{number:06}.json"
            if durable.create(self.places, self.places.actions, name, msgspec.json.encode(done)):
                return done
            there_now = _parsed(objects.get(at, name))
            if there_now and there_now.id == done.id:
                return there_now
        raise SettingsError(
            f"{MOST:,} things were done about this incident, which is the most",
            "go on where you keep your incidents",
        )

    def _read(self, at: Any, names: Sequence[str]) -> list[Action]:
        """Reads actions in order; what is none is passed over."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        found = list[Action]()
        for name in sorted(names):
            if name not in self._known:
                self._known[name] = _parsed(objects.get(at, name))
            if one := self._known[name]:
                found.append(one)
        return found


def _parsed(content: bytes | None) -> Action | None:
    try:
        return msgspec.json.decode(content or b"", type=Action)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
