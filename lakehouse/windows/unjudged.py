"""That rows came from files which nobody has judged yet: an object for each import.

It is noted before an import forgets what it did, and forgotten once history was judged that had
begun after: so an import that dies before its rows are judged leaves it to whoever comes next.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from lakehouse.ingest.queries import MINUTES
from lakehouse.paths import Places
from lakehouse.store import durable, objects

FOLDER = "unjudged"
REMEDY = "`logpond analyze` judges it, as does the next import"


def note(places: Places) -> None:
    """Notes that there are rows to judge."""
    durable.create(places, places.ledger(MINUTES.name), f"{FOLDER}/{uuid.uuid4().hex}", b"")


def noted(places: Places) -> list[str]:
    """Returns the notes: to be read before history is judged, and to be forgotten after."""
    return objects.names(objects.reader(places.ledger(MINUTES.name)), FOLDER)


def forget(places: Places, notes: Sequence[str]) -> None:
    """Forgets these notes: what they are about was judged."""
    if notes:
        at = objects.store(places.ledger(MINUTES.name))
        objects.delete_all(at, [f"{FOLDER}/{name}" for name in notes])
