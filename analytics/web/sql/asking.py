"""One question of a reader at a time: confined, bounded, stopped when nobody waits for it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from lakehouse.duck import scanned
from lakehouse.duck.scanned import Scanned
from lakehouse.errors import SettingsError
from lakehouse.http.asker import one_of
from lakehouse.paths import Places
from lakehouse.query.ask import Moment, ask
from lakehouse.settings import Sql

# Less than `logpond sql` may take: a server serves others too, and is to stay small.
LIMITS = Sql(seconds=60, memory_mb=256, temp_mb=2048)
AT_ONCE, PATIENCE_SECONDS = 2, 5.0
# Settings say what `logpond sql` may take; nobody raises them for a page.
OF_SETTINGS, MORE = re.compile(r"raise \[sql\] \w+"), "ask `logpond sql`, which may take more"


class OtherAskedError(SettingsError):
    """The reader's other question is not answered yet."""


@dataclass(frozen=True)
class Answer:
    """The rows of a statement, and how long they took."""

    rows: pa.Table
    seconds: float

    @property
    def scanned(self) -> Scanned | None:
        """What was read for it; None where nobody counted."""
        return scanned.of(self.rows)


@dataclass
class Questions:
    """What is being asked now: one question a reader, two at once, each in bounds of its own."""

    limits: Sql = LIMITS
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    _readers: set[str] = field(default_factory=set)
    _left: threading.Condition = field(default_factory=threading.Condition)

    def ask(
        self,
        places: Places,
        reader: str,
        statement: str,
        moment: Moment,
        times: Mapping[str, datetime],
    ) -> Answer:
        """Answers a statement that reads tables of the lake, and no file that it names.

        `times` are what it may name as parameters, as `$from`. Raises SettingsError for what it
        refuses, OtherAskedError where the reader's other question is not answered a little later,
        Busy where too many others ask.
        """
        with self._one_of(reader):
            start = time.monotonic()
            limits = self.limits
            try:
                rows = ask(places, statement, moment, None, limits, None, False, times)
            except SettingsError as error:
                remedy = OF_SETTINGS.sub(MORE, error.remedy)
                raise SettingsError(error.what, remedy) from error
            return Answer(rows, time.monotonic() - start)

    @contextmanager
    def _one_of(self, reader: str) -> Iterator[None]:
        with self._left:
            # one that was cancelled takes a moment to end
            if not self._left.wait_for(lambda: reader not in self._readers, PATIENCE_SECONDS):
                raise OtherAskedError(
                    "your other question is still being answered", "wait for it, or cancel it there"
                )
            self._readers.add(reader)
        try:
            with one_of(self._slots, PATIENCE_SECONDS):
                yield
        finally:
            with self._left:
                self._readers.discard(reader)
                self._left.notify_all()
