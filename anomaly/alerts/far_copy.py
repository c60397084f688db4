"""A copy of an outbox in the bucket of its lake, so that another machine goes on with it.

The file of SQLite on this machine is what programs work with. After each change it is put into the
bucket as a whole, in place of the version that was seen there; where another machine was faster,
what it has is merged first. Alerts are only ever added and ended, once for each name, so merging
loses nothing in whichever order it comes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock

from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.store import objects

# Bodies end with their alerts; 1,000 that wait are some MB.
MOST_BYTES = 256 << 20
# Seconds for which the bucket is tried: alerts are not held up for longer by one that is away.
TRIED_SECONDS = 15.0
TRIES = 5


@dataclass
class FarCopy:
    """The copy of the outbox of one receiver."""

    places: Places
    name: str
    _version: str | None = None
    _lock: Lock = field(default_factory=Lock)

    def pull(self, db: sqlite3.Connection) -> bool:
        """Merges the copy into the outbox. Returns False where the bucket does not answer."""
        with self._lock:
            try:
                self._merge_newest(db)
            except (OSError, LogpondError):
                return False
            return True

    def push(self, db: sqlite3.Connection) -> bool:
        """Puts the outbox in place of its copy. Returns False where the bucket does not answer.

        Then the next change takes all of it along.
        """
        with self._lock:
            try:
                return self._put(db)
            except (OSError, LogpondError):
                return False

    def _put(self, db: sqlite3.Connection) -> bool:
        for _ in range(TRIES):
            version = objects.swap(self._store(), self.name, db.serialize(), self._version)
            if version is not None:
                self._version = version
                return True
            self._merge_newest(db)
        return False

    def _merge_newest(self, db: sqlite3.Connection) -> None:
        found = objects.seen(self._store(), self.name, MOST_BYTES)
        self._version = found.version if found else None
        if found and found.content:
            merge(db, found.content)

    def _store(self) -> object:
        return objects.leases(self.places.outboxes, TRIED_SECONDS)


def merge(db: sqlite3.Connection, content: bytes) -> None:
    """Adds the alerts of another outbox, a file of SQLite, and how they ended.

    A damaged one adds nothing: it is replaced by the next change.
    """
    try:
        alerts, counts = _read(content)
    except sqlite3.DatabaseError:
        return
    with db:
        for name, body, since, ended in alerts:
            db.execute(
                "INSERT OR IGNORE INTO alerts (name, body, since, ended) VALUES (?, ?, ?, ?)",
                (name, body, since, ended),
            )
            if ended is not None:
                db.execute(
                    "UPDATE alerts SET ended = ?, body = NULL WHERE name = ? AND ended IS NULL",
                    (ended, name),
                )
        for what, n in counts:
            db.execute(
                "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET n = max(n, excluded.n)",
                (what, n),
            )


def _read(content: bytes) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with closing(sqlite3.connect(":memory:")) as other:
        other.execute("PRAGMA trusted_schema = OFF")
        other.deserialize(content)
        alerts = "SELECT name, body, since, ended FROM alerts ORDER BY number"
        return other.execute(alerts).fetchall(), other.execute("SELECT * FROM counts").fetchall()
