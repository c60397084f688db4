"""A model of windows in plain Python, and steps that change it together with a lake."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from support.windows import Pond, at, logged

from lakehouse import maintenance
from lakehouse.tables.rollups import ROLLUPS, WATERMARK, WINDOWS
from lakehouse.windows.close import close
from lakehouse.windows.definition import prepare
from lakehouse.windows.horizon import last_closed

Key = tuple[datetime, str | None, str | None]
SIZES = {"30m": 1800, "1d": 86_400}
ENDPOINTS, USERS = ("/a", "/b", "/c"), (None, "ada", "o'hara")


@dataclass
class Event:
    """One row of `logs`, as far as the model looks."""

    time: datetime
    endpoint: str
    user: str | None
    status: int
    ip: str


def counted(events: list[Event], seconds: int, rollup: str) -> dict[Key, tuple[int, int, int]]:
    """By window and keys: requests, errors, and different addresses (0 where none are asked)."""
    requests, errors, seen = Counter[Key](), Counter[Key](), set[tuple[Key, str]]()
    for event in events:
        since = int(event.time.timestamp()) // seconds * seconds
        start = datetime.fromtimestamp(since, event.time.tzinfo)
        key = (start, *(("shop", event.endpoint) if rollup == "traffic" else (event.user, None)))
        requests[key] += 1
        errors[key] += event.status >= 400
        seen.add((key, event.ip))
    visitors = Counter(key for key, _ in seen) if rollup == "traffic" else Counter[Key]()
    return {key: (count, errors[key], visitors[key]) for key, count in requests.items()}


@dataclass
class Steps:
    """A lake, its model, and what may happen to both."""

    pond: Pond
    choose: random.Random
    now: float = 0.0
    seen: datetime | None = None
    events: list[Event] = field(default_factory=list)

    def __call__(self, count: int) -> None:
        """Take random steps, and look after each at a rollup."""
        steps: list[Callable[[], None]] = [
            self.add,
            self.add,
            self.add,
            self.stream,
            self.stream,
            self.kill,
            self.late,
            self.optimize,
            self.reconcile,
        ]
        self.add()
        for _ in range(count):
            step = self.choose.choice(steps)
            step()
            self.look(step.__name__)

    def add(self) -> None:
        """Traffic of some hours, up to a minute out of order."""
        hours = self.choose.choice([0.2, 2, 9, 16])
        self._arrive([self.now + 60 * hours * n / 40 - self.choose.random() for n in range(1, 41)])
        self.now += 60 * hours

    def late(self) -> None:
        """A burst from long ago, also from days before the first."""
        since = self.choose.uniform(-1500, self.now)
        self._arrive([since + self.choose.uniform(0, 50) for _ in range(5)])

    def stream(self) -> None:
        """The stream runs until it has closed what the newest event closes."""
        self.seen = max(event.time for event in self.events)
        for rollup in WINDOWS:
            prepare(self.pond.lake.places, rollup, WATERMARK)
            for _ in close(self.pond.lake.places, rollup, last_closed(self.seen - WATERMARK)):
                pass

    def kill(self) -> None:
        """The stream is killed after its first commit, before it wrote the second table."""
        rollup = self.choose.choice(WINDOWS)
        newest = max(event.time for event in self.events)
        prepare(self.pond.lake.places, rollup, WATERMARK)
        closing = close(self.pond.lake.places, rollup, last_closed(newest - WATERMARK))
        next(closing, None)

    def optimize(self) -> None:
        """Upkeep of a table."""
        if self.choose.random() < 0.5:
            maintenance.optimize(self.pond.lake.places, "logs", zorder=("endpoint", "status_code"))
        elif self.seen:
            maintenance.optimize(self.pond.lake.places, "traffic")

    def reconcile(self) -> None:
        """Late rows are counted."""
        self.pond.reconcile()

    def look(self, after: str) -> None:
        """Every window says what the model says of those rows that it counted or will count."""
        if after in ("add", "late"):
            return  # what follows sees it too
        verdict = self.pond.judged()
        assert verdict.wrong == 0, (after, verdict.faults)
        if verdict.late == 0 and self.seen:
            self.assert_as_modelled(after)

    def assert_as_modelled(self, after: str) -> None:
        """Closed and open, at both granularities of both tables."""
        for rollup, errors in (("traffic", "client_errors"), ("usage", "errors")):
            keys = ROLLUPS[rollup].keys
            for granularity, seconds in SIZES.items():
                rows = self.pond.read(rollup, granularity)
                found = {
                    (row["window_start"], row[keys[0]], row[keys[1]]): (
                        row["requests"],
                        row[errors],
                        row.get("unique_visitors", 0),
                    )
                    for row in rows
                }
                assert len(found) == len(rows)
                assert found == counted(self.events, seconds, rollup), (after, rollup, granularity)

    def _arrive(self, minutes: list[float]) -> None:
        pick = self.choose.choice
        new = [
            Event(at(m), pick(ENDPOINTS), pick(USERS), pick([200, 200, 404]), f"::{pick('12345')}")
            for m in minutes
        ]
        self.events += new
        columns = {"endpoint": "endpoint", "user": "user", "status_code": "status", "ip": "ip"}
        values = {name: [getattr(e, of) for e in new] for name, of in columns.items()}
        writer = self.choose.choice(["ingest", "ingest", "replay"])
        self.pond.arrive(logged([e.time for e in new], **values), writer=writer)
