"""What an erasure that was begun has yet to do: nothing of what is erased stands in it.

It is written before the first row is deleted. Once these are gone nobody could say any more which
windows counted them, and which tables have files of older versions.
"""

from __future__ import annotations

from datetime import date

import msgspec

from lakehouse.paths import Places
from lakehouse.store import durable, objects

QUERY, NAME = "erase", "begun.json"


class Journal(msgspec.Struct, frozen=True):
    """The first day of which rows are deleted, None if none are; whether it is all done."""

    since: date | None = None
    is_begun: bool = False

    @classmethod
    def of(cls, places: Places) -> Journal:
        """Returns what an earlier call has left to do."""
        content = objects.get(objects.reader(places.ledger(QUERY)), NAME)
        try:
            return msgspec.json.decode(content, type=cls) if content else cls()
        except msgspec.DecodeError:
            return cls(date.min, True)  # a crash of the machine cut it off: look at all days

    def begin(self, places: Places, since: date | None) -> Journal:
        """Notes that rows from a day on are deleted from now on, besides those of earlier calls."""
        days = [day for day in (self.since, since) if day]
        made = Journal(min(days, default=None), True)
        durable.put(places, places.ledger(QUERY), NAME, msgspec.json.encode(made))
        return made

    def end(self, places: Places) -> None:
        """Forgets it: nothing is left to do."""
        objects.delete(objects.store(places.ledger(QUERY)), NAME)
