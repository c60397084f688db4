"""Keeps alerts on disk until they are acknowledged; bounded, and what is dropped is counted.

It is one file of SQLite: after a crash an alert is there once or not at all. That of a lake in a
bucket has a copy there.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from anomaly.alerts.alert import Alert
from anomaly.alerts.far_copy import FarCopy
from lakehouse.paths import Places, is_url
from lakehouse.store.disk import in_words
from lakehouse.store.durable import sync

# `ended` is NULL while an alert waits; the names of so many that ended are kept, so that none of
# them is sent again.
ENDED_KEPT = 10_000
# Else the loss of power right after a commit may take it back: by a journal that is there again.
DURABLE = "PRAGMA synchronous = EXTRA"
TABLES = """
    CREATE TABLE IF NOT EXISTS alerts (
        number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,
        body BLOB, since REAL NOT NULL, ended TEXT
    );
    CREATE INDEX IF NOT EXISTS by_end ON alerts (ended, number);
    CREATE TABLE IF NOT EXISTS counts (what TEXT PRIMARY KEY, n INTEGER NOT NULL);
"""
SENT, REFUSED, DROPPED, OLD = "sent", "refused", "dropped", "old"
ENDS = (SENT, REFUSED, DROPPED, OLD)
COUNTED = ("waiting", *ENDS)


class Outbox:
    """At most `most` alerts wait; beyond them the oldest are dropped.

    Safe for threads and processes.
    """

    def __init__(self, file: str, most: int, copy: FarCopy | None = None) -> None:
        self._file, self._most, self._copy = Path(file), most, copy
        with in_words(file):
            self._file.parent.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, places: Places, receiver: str, most: int) -> Outbox:
        """That of a receiver; SQLite has what it writes on the disk, but not the folders above.

        Of a lake in a bucket it has what other machines kept, as far as the bucket answers.
        """
        file = places.alerts(receiver)
        copy = FarCopy(places, Path(file).name) if is_url(places.lake) else None
        made = cls(file, most, copy)
        with made._open() as db:
            if copy:
                copy.pull(db)
        sync(places, places.state, [made._file.name])
        return made

    @classmethod
    def counts_of(cls, places: Places, receiver: str, most: int) -> dict[str, int]:
        """Returns the counts of a receiver's outbox; all 0 where there is none yet."""
        if is_url(places.lake) or Path(places.alerts(receiver)).exists():
            return cls.of(places, receiver, most).counts()
        return dict.fromkeys(COUNTED, 0)

    def offer(self, alert: Alert) -> bool:
        """Keeps an alert until it is sent. Returns False if it was offered before."""
        with self._open() as db:
            added = _add(db, alert, None)
            over = "SELECT number FROM alerts WHERE ended IS NULL ORDER BY number DESC LIMIT -1"
            for (number,) in db.execute(f"{over} OFFSET ?", (self._most,)).fetchall():
                _end(db, "number = ?", number, DROPPED)
        if added:
            self._copied()
        return added

    def pass_over(self, alert: Alert) -> None:
        """Counts an alert that is too old to be sent, so that it never is."""
        with self._open() as db:
            added = _add(db, alert, OLD)
            if added:
                _count(db, OLD)
        if added:
            self._copied()

    def next(self) -> Alert | None:
        """Returns the alert that has waited longest; None if none waits."""
        with self._open() as db:
            query = "SELECT name, body FROM alerts WHERE ended IS NULL ORDER BY number LIMIT 1"
            row = db.execute(query).fetchone()
        return Alert(*row) if row else None

    def end(self, name: str, how: str) -> None:
        """Takes an alert out: `how` is `sent`, or `refused` for good."""
        with self._open() as db:
            _end(db, "name = ?", name, how)
        self._copied()

    def knows(self, incident_id: str) -> bool:
        """Whether an alert of an incident waits or was sent."""
        return bool(self.newest(incident_id))

    def newest(self, incident_id: str) -> str:
        """Returns the name of the last alert of an incident that waits or was sent, or nothing."""
        with self._open() as db:
            query = (
                "SELECT name FROM alerts WHERE name GLOB ? AND (ended IS NULL OR ended = 'sent')"
            )
            row = db.execute(
                f"{query} ORDER BY number DESC LIMIT 1", (f"{incident_id}-*",)
            ).fetchone()
        return row[0] if row else ""

    def last(self, incident_id: str) -> float:
        """Returns when an alert of an incident was last kept [s since the epoch]; 0 for never."""
        with self._open() as db:
            query = "SELECT max(since) FROM alerts WHERE name GLOB ?"
            (since,) = db.execute(query, (f"{incident_id}-*",)).fetchone()
        return since or 0.0

    def counts(self) -> dict[str, int]:
        """Returns how many alerts wait, and how many ended in each way."""
        with self._open() as db:
            ended = dict(db.execute("SELECT what, n FROM counts").fetchall())
            (waiting,) = db.execute("SELECT count(*) FROM alerts WHERE ended IS NULL").fetchone()
        return {"waiting": waiting, **{how: ended.get(how, 0) for how in ENDS}}

    def erase(self, is_meant: Callable[[bytes], bool], dry_run: bool = False) -> int:
        """Drops the alerts that wait and that are meant, by their bodies. Returns how many.

        What they said is gone from the file then, too.
        """
        with self._open() as db:
            waiting = "SELECT number, body FROM alerts WHERE ended IS NULL"
            found = [number for number, body in db.execute(waiting).fetchall() if is_meant(body)]
            for number in () if dry_run else found:
                _end(db, "number = ?", number, DROPPED)
        if found and not dry_run:
            with self._open() as db:
                db.execute("VACUUM")  # what is free in the file still has the bytes
            self._copied()
        return len(found)

    def _copied(self) -> None:
        if self._copy:
            with self._open() as db:
                self._copy.push(db)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with in_words(str(self._file)), closing(self._connected()) as db, db:
            yield db

    def _connected(self) -> sqlite3.Connection:
        """Opens the database. A damaged one is moved aside: no damage here may stop detection."""
        db = sqlite3.connect(self._file, timeout=30)
        try:
            db.executescript(DURABLE)
            db.executescript(TABLES)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            db.close()
            self._file.replace(f"{self._file}.damaged-{time.time_ns()}")
            db = sqlite3.connect(self._file, timeout=30)
            db.executescript(TABLES)
        return db


def _add(db: sqlite3.Connection, alert: Alert, ended: str | None) -> bool:
    row = (alert.name, None if ended else alert.body, time.time(), ended)
    new = "INSERT OR IGNORE INTO alerts (name, body, since, ended) VALUES (?, ?, ?, ?)"
    return db.execute(new, row).rowcount > 0


def _end(db: sqlite3.Connection, where: str, which: object, how: str) -> None:
    """Notes how waiting alerts ended. Deletes their bodies, and the oldest names over the limit."""
    change = f"UPDATE alerts SET ended = ?, body = NULL WHERE {where} AND ended IS NULL"
    if db.execute(change, (how, which)).rowcount:
        _count(db, how)
        ended = "SELECT number FROM alerts WHERE ended IS NOT NULL ORDER BY number DESC LIMIT -1"
        db.execute(f"DELETE FROM alerts WHERE number IN ({ended} OFFSET ?)", (ENDED_KEPT,))


def _count(db: sqlite3.Connection, what: str) -> None:
    db.execute("INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1", (what,))
