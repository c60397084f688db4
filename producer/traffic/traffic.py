"""Synthetic traffic: the same seed and times give the same records. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from random import Random

import orjson

from producer.traffic.clock import Stamper
from producer.traffic.curve import busyness
from producer.traffic.decks import decks, hand
from producer.traffic.faults import MALFORMED, Event, Record, Shares, lateness
from producer.traffic.people import Visitor, visitors, zipf
from producer.traffic.scenarios import Incident

REQUESTS_A_SESSION = 20


class Traffic:
    """Sessions of visitors to the shop; `incidents` may be set at any time.

    No late event is from before `earliest`, when the shop was closed.
    """

    def __init__(
        self, seed: int, start: int, rate: float, shares: Shares | None = None, earliest: int = 0
    ) -> None:
        self._earliest = earliest
        self.random = Random(f"traffic {seed}")
        self.decks, self.incidents = decks(seed), list[Incident]()
        self.made = {"malformed": 0, "duplicates": 0, "late": 0}
        self._shares = shares or Shares()
        self._prefix = blake2b(f"{seed} {start}".encode(), digest_size=8).hexdigest()
        self._number, self._stamp = 0, Stamper()
        self._all = hand(self.decks)
        self._reading = hand([deck for deck in self.decks if deck.route.method == "GET"])
        self._visitors = visitors(seed)
        self._weights = zipf(len(self._visitors))
        self._sessions = self._arrive(min(4000, max(40, int(rate * 30) or 4000)))
        self._left = [self._length() for _ in self._sessions]

    def surge(self, at: int) -> float:
        """Returns how many times the usual traffic the incidents make."""
        factor = 1.0
        for incident in self.incidents:
            factor *= incident.surge if incident.covers(at) else 1.0
        return factor

    def tick(self, since: int, until: int, count: int) -> Iterator[Record]:
        """Yields the records of `count` requests between two times, in order except late ones."""
        step, draw = (until - since) / max(count, 1), self.random.random
        slowdown = 0.75 + 0.25 * busyness(since) ** 2
        shares = self._shares
        faulty = shares.malformed + shares.duplicates + shares.late
        for place in range(count):
            at, fate = since + int((place + draw()) * step), draw()
            if fate < faulty:
                yield from self._faulty(fate, at, slowdown)
            elif (event := self._event(at, slowdown)) is not None:
                yield event["ip"].encode(), orjson.dumps(event)

    def _faulty(self, fate: float, at: int, slowdown: float) -> Iterator[Record]:
        """Yields a malformed, repeated or late record; `fate` selects which."""
        malformed = fate < self._shares.malformed
        twice = not malformed and fate < self._shares.malformed + self._shares.duplicates
        late = not (malformed or twice)
        happened = max(at - lateness(self.random), min(at, self._earliest)) if late else at
        event = self._event(happened, slowdown)
        if event is None:
            return
        self.made["malformed" if malformed else "duplicates" if twice else "late"] += 1
        spoil = self.random.choice(MALFORMED) if malformed else None
        value = spoil(event, self.random) if spoil else orjson.dumps(event)
        yield from [(event["ip"].encode(), value)] * (2 if twice else 1)

    def _event(self, at: int, slowdown: float) -> Event | None:
        event = self._request(at, slowdown)
        return self._during(event, at) if self.incidents else event

    def _request(self, at: int, slowdown: float) -> Event:
        draw = self.random.random
        slot = int(draw() * len(self._sessions))
        visitor, self._number = self._sessions[slot], self._number + 1
        self._left[slot] -= 1
        if not self._left[slot]:
            self._sessions[slot], self._left[slot] = self._arrive(1)[0], self._length()
        routes = self._reading if visitor.reads_only else self._all
        return {
            "event_id": f"{self._prefix}-{self._number:08x}",
            "timestamp": self._stamp(at),
            **routes[int(draw() * len(routes))].answer(draw, slowdown),
            **visitor.about,
            "trace_id": f"{self.random.getrandbits(128):032x}",
        }

    def _during(self, event: Event, at: int) -> Event | None:
        """Returns the event as changed by the incidents of that time."""
        now = [incident for incident in self.incidents if incident.covers(at)]
        for incident in now:
            event = incident.add(event, self.random)
        changed: Event | None = event
        for incident in now:
            changed = changed and incident.change(changed, incident.progress(at), self.random)
        return changed

    def _arrive(self, count: int) -> list[Visitor]:
        return self.random.choices(self._visitors, cum_weights=self._weights, k=count)

    def _length(self) -> int:
        return 1 + int(self.random.expovariate(1 / REQUESTS_A_SESSION))
