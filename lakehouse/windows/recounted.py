"""From which minute on closed minutes were counted again, since detection last judged them all.

It is noted before the first of them is replaced: after a crash what was judged by the old numbers
is still known to be doubtful.
"""

from __future__ import annotations

from datetime import UTC, datetime

from lakehouse.ingest.queries import MINUTES
from lakehouse.paths import Places
from lakehouse.store import durable, objects

NAME = "recounted"


def note(places: Places, first: datetime) -> None:
    """Notes that minutes from this one on are counted again; an earlier note stays."""
    there = since(places)
    if there is None or first < there:
        text = first.astimezone(UTC).isoformat().encode()
        durable.put(places, places.ledger(MINUTES.name), NAME, text)


def since(places: Places) -> datetime | None:
    """Returns the first minute that was counted again; None where none was."""
    content = objects.get(objects.reader(places.ledger(MINUTES.name)), NAME)
    return datetime.fromisoformat(content.decode()) if content else None


def forget(places: Places) -> None:
    """Forgets the note: all minutes were judged as they are now."""
    objects.delete(objects.store(places.ledger(MINUTES.name)), NAME)
