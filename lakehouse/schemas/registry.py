"""What a schema registry said, kept by each process; and how long it is waited for.

Numbers of schemas are for ever, so what is known is never asked again. What failed is: but a
registry that is away, or a flood of numbers that it does not know, must not stop ingest.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lakehouse.formats.format import Fault
from lakehouse.formats.schemas.lookup import BadSchema, Written, asking, compiled
from lakehouse.schemas import client
from lakehouse.schemas.client import NoAnswer, UnknownSchema
from lakehouse.schemas.connection import RegistryConnection

# What is kept: so many schemas, and as much text of them, of which fifty times as much is made.
MOST_KNOWN, MOST_TEXT = 1000, 8 << 20
# A schema may be known to one server of a registry a moment before another.
UNKNOWN_SECONDS, FAILED_SECONDS = 1.0, 5.0
PAUSE, LONGEST_PAUSE = 0.25, 2.0
# What numbers that it does not know may cost: so much at once, and a tenth of the time.
IN_VAIN_SECONDS, SHARE = 20.0, 0.1
# A registry that answers so answers nobody; whatever else it says is of what it was asked for.
AWAY = (401, 429, 502, 503, 504)
# When one that is away is looked for again: a tenth of the time, and twice a minute.
TIMES_WAITED, LONGEST_AWAY = 9, 30.0


NEVER_FAILED: tuple[float, Fault | None] = 0.0, None


class Patience:
    """What may be asked in vain: some seconds at once, and a tenth of the time from then on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._left, self._at = clock, IN_VAIN_SECONDS, clock()

    @property
    def left(self) -> float:
        """How many seconds there are now."""
        now = self._clock()
        self._left = min(IN_VAIN_SECONDS, self._left + SHARE * (now - self._at))
        self._at = now
        return self._left

    def spend(self, seconds: float) -> None:
        """Notes what was waited."""
        self._left = self.left - seconds


class Kept:
    """What was used last, within a number of values and a size of them together."""

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[int, str], tuple[Any, int]] = OrderedDict()
        self._size = 0

    def get(self, key: tuple[int, str]) -> Any:
        """Returns a value; None where there is none."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: tuple[int, str], value: Any, size: int = 0) -> None:
        """Keeps a value, however large it is alone."""
        self._size += size - self._values.pop(key, (None, 0))[1]
        self._values[key] = value, size
        while len(self._values) > MOST_KNOWN or (self._size > MOST_TEXT and len(self._values) > 1):
            self._size -= self._values.popitem(last=False)[1][1]


class Registry:
    """Asks a registry for the schemas of records; `lookup.Lookup`."""

    def __init__(
        self,
        connection: RegistryConnection,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        ask: Callable[[RegistryConnection, int, str], Written] = client.schema,
    ) -> None:
        self._connection, self._clock, self._sleep, self._ask = connection, clock, sleep, ask
        self._known, self._failed = Kept(), Kept()
        self._patience = Patience(clock)
        self._away_until: float | None = None
        self._hold_from = clock()
        self._lock = threading.Lock()

    def reader(self, number: int, kind: str, made: Callable[[Written], Any]) -> Any:
        """Returns what `made` makes of a schema, once for each; a Fault where there is none."""
        key = number, kind
        with self._lock:
            found = self._known.get(key)
            return self._failure(key) or self._found(key, made) if found is None else found

    def _failure(self, key: tuple[int, str]) -> Fault | None:
        """Why a number is not asked for now."""
        now = self._clock()
        until, fault = self._failed.get(key) or NEVER_FAILED
        if fault and now < until:
            return fault
        why = ""
        if self._away_until and now < self._away_until:
            why = "did not answer when it was asked last, and will be asked again soon"
        elif self._patience.left <= 0:
            why = "was asked for too many schemas that it does not know; it will be again soon"
        return self._no_answer(key[0], why) if why else None

    def _found(self, key: tuple[int, str], made: Callable[[Written], Any]) -> Any:
        began = self._clock()
        try:
            written = self._asked(*key, began)
        except (UnknownSchema, NoAnswer, BadSchema) as error:
            self._note(error, self._clock() - began)
            return self._fail(key, self._fault(key[0], error))
        self._away_until = None
        found = compiled(written, key[1], made)
        if isinstance(found, Fault):
            found = Fault(found.reason, f"schema {key[0]}: {found.detail}")
        # of another kind it is for ever too
        if not isinstance(found, Fault) or written.kind != key[1]:
            size = len(written.text) + sum(len(part.text) for part in written.parts)
            self._known.put(key, found, size)
            return found
        # a registry may learn to give descriptors
        self._patience.spend(self._clock() - began)
        return self._fail(key, found)

    def _fail(self, key: tuple[int, str], fault: Fault) -> Fault:
        self._failed.put(key, (self._clock() + FAILED_SECONDS, fault))
        return fault

    def _note(self, error: Exception, waited: float) -> None:
        """Notes what was asked in vain, and whether the registry is away.

        One that says something of this number alone is not: others would be hidden by it.
        """
        if not _is_away(error):
            self._away_until = None
            self._patience.spend(waited)
            return
        now, away = self._clock(), max(TIMES_WAITED * waited, FAILED_SECONDS)
        self._away_until = now + min(away, LONGEST_AWAY)
        self._hold_from = max(self._hold_from, now + TIMES_WAITED * waited)

    def _asked(self, number: int, kind: str, began: float) -> Written:
        """Asks until there is an answer, or it was waited for long enough.

        One that was away already is not waited for, nor one that was for a tenth of the time.
        """
        is_patient = self._patience.left > IN_VAIN_SECONDS / 2
        for_unknown = UNKNOWN_SECONDS if is_patient else 0.0
        is_held = not self._away_until and began >= self._hold_from
        for_answer = self._connection.hold_seconds if is_held else 0.0
        pause = PAUSE
        while True:
            try:
                return self._ask(self._connection, number, kind)
            except UnknownSchema:
                if self._clock() - began + pause > for_unknown:
                    raise
            except NoAnswer as error:
                if error.is_refused or not _is_away(error):
                    raise
                if self._clock() - began + pause > for_answer:
                    raise
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _no_answer(self, number: int, why: object) -> Fault:
        return Fault("no_registry", f"schema {number}: {self._connection} {why}")

    def _fault(self, number: int, error: Exception) -> Fault:
        if isinstance(error, UnknownSchema):
            return Fault("unknown_schema", f"schema {number} is none of {self._connection}")
        if isinstance(error, BadSchema):
            return Fault("bad_schema", f"schema {number}: {error}")
        return self._no_answer(number, error)


def _is_away(error: Exception) -> bool:
    """Whether a registry does not answer, whatever it is asked for."""
    return isinstance(error, NoAnswer) and (not error.status or error.status in AWAY)


@lru_cache(maxsize=8)
def of(connection: RegistryConnection) -> Registry:
    """Returns the one registry of a process for a connection, with all that it knows."""
    return Registry(connection)


@dataclass(frozen=True)
class WithRegistry:
    """A function during which records ask a registry for their schemas. It is sent to executors."""

    call: Callable[..., Any]
    connection: RegistryConnection | None

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self.connection is None:
            return self.call(*given, **named)
        with asking(of(self.connection)):
            return self.call(*given, **named)
