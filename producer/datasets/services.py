"""Logs of services as NDJSON, a file by service, environment and hour, with known spikes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import orjson

from producer.traffic.catalog import SERVICES, Service
from producer.traffic.clock import Stamper, stamp
from producer.traffic.curve import HOUR, MICROS, busyness
from producer.traffic.decks import BROKEN, Deck, decks, hand
from producer.traffic.faults import Event, cut, invalid_utf8, missing_field, no_zone, wrong_type
from producer.traffic.people import visitors, zipf

MINUTE = 60 * MICROS
MALFORMED = (cut, wrong_type, missing_field, no_zone, invalid_utf8)
# A spike is told by what came before it; another one there would hide it.
QUIET_MINUTES = 30
SPIKE_MINUTES = (2, 5)
SLOWER = (4.0, 12.0)
BROKEN_IN_A_SPIKE = 0.1
TRIES = 1000
TRUTH = Path("_truth")


@dataclass(frozen=True)
class Spike:
    """A spike: a service is slower in an environment, from `start` up to `end` [us]."""

    service: str
    environment: str
    start: int
    end: int
    slower: float

    def line(self) -> dict[str, Any]:
        """Returns the line of the truth file, with times in RFC 3339."""
        return {**asdict(self), "start": stamp(self.start), "end": stamp(self.end)}


@dataclass(frozen=True)
class Spec:
    """What to make: `rate` requests a second of all services together, on average."""

    seed: int
    start: int
    hours: int
    rate: float
    services: int
    environments: tuple[str, ...]
    spikes: int
    malformed: float

    def facts(self) -> dict[str, Any]:
        """Returns what the bytes of every file depend on."""
        return {**asdict(self), "start": stamp(self.start), "environments": [*self.environments]}

    def files(self, folder: Path) -> dict[Path, partial[int]]:
        """Returns each file, and the function that writes it."""
        return {
            folder
            / f"service={service.name}"
            / f"environment={environment}"
            / f"{stamp(self.start + hour * HOUR)[:13]}.ndjson": partial(
                write, self, service, environment, hour
            )
            for service in self.catalog
            for environment in self.environments
            for hour in range(self.hours)
        }

    @cached_property
    def catalog(self) -> tuple[Service, ...]:
        """Returns the services of the shop, and further ones that behave like them."""
        return tuple(_service(number) for number in range(self.services))

    @cached_property
    def staged(self) -> tuple[Spike, ...]:
        """Returns the spikes in order; fewer than asked for where there is no room for them."""
        random, found = Random(f"spikes {self.seed}"), list[Spike]()
        for _ in range(TRIES):
            spike = self._spike(random)
            if len(found) < self.spikes and not any(_near(spike, other) for other in found):
                found.append(spike)
        return tuple(sorted(found, key=lambda spike: spike.start))

    def share(self, service: Service, environment: str) -> float:
        """Returns the part of all requests that a service has in an environment."""
        weights = [1 / (at + 1) ** 2 for at in range(len(self.environments))]
        mine = weights[self.environments.index(environment)] / sum(weights)
        return mine * service.share / sum(one.share for one in self.catalog)

    def _spike(self, random: Random) -> Spike:
        service, environment = random.choice(self.catalog), random.choice(self.environments)
        length = random.randint(*SPIKE_MINUTES)
        minute = random.randint(QUIET_MINUTES, 60 * self.hours - length)
        start = self.start + minute * MINUTE
        slower = round(random.uniform(*SLOWER), 1)
        return Spike(service.name, environment, start, start + length * MINUTE, slower)


def truth(spec: Spec, path: Path) -> int:
    """Writes the spikes to a file. Returns how many there are."""
    path.write_text(json.dumps([spike.line() for spike in spec.staged], indent=2) + "\n")
    return len(spec.staged)


def write(spec: Spec, service: Service, environment: str, hour: int, path: Path) -> int:
    """Writes an hour of a service in an environment, in order of time. Returns the lines."""
    begin = spec.start + hour * HOUR
    with path.open("wb") as out:
        requests = _Requests(spec, service, environment).of(begin)
        return sum(1 for _ in (out.write(line + b"\n") for line in requests))


class _Requests:
    """Generates the requests to a service in an environment."""

    def __init__(self, spec: Spec, service: Service, environment: str) -> None:
        self._spec, self._environment, self._name = spec, environment, service.name
        self._hand: list[Deck] = hand(decks(spec.seed, (service,)))
        self._people = visitors(spec.seed)
        self._weights = zipf(len(self._people))
        self._a_minute = 60 * spec.rate * spec.share(service, environment)
        mine = (service.name, environment)
        self._spikes = [one for one in spec.staged if (one.service, one.environment) == mine]

    def of(self, begin: int) -> Iterator[bytes]:
        """Yields the lines of an hour, the same whatever was generated before."""
        prefix = f"{self._name}-{self._environment}-{stamp(begin)[:13]}"
        random, numbers = Random(f"{self._spec.seed} {prefix}"), count()
        for start in range(begin, begin + HOUR, MINUTE):
            for event in self._minute(start, random):
                event["event_id"] = f"{prefix}-{next(numbers):06x}"
                yield self._spoiled(event, random)

    def _minute(self, start: int, random: Random) -> Iterator[Event]:
        busy, stamped = busyness(start), Stamper()
        many = int(self._a_minute * busy + random.random())
        spike = next((one for one in self._spikes if one.start <= start < one.end), None)
        slowdown = (0.75 + 0.25 * busy**2) * (spike.slower if spike else 1.0)
        for place, visitor in enumerate(
            random.choices(self._people, cum_weights=self._weights, k=many)
        ):
            at = start + int((place + random.random()) * MINUTE / many)
            deck = self._hand[int(random.random() * len(self._hand))]
            answer = deck.answer(random.random, slowdown)
            if spike and random.random() < BROKEN_IN_A_SPIKE:
                answer |= {"status_code": random.choice(BROKEN), "level": "ERROR"}
            about = {**visitor.about, "environment": self._environment}
            yield {"event_id": "", "timestamp": stamped(at), **answer, **about}

    def _spoiled(self, event: Event, random: Random) -> bytes:
        if random.random() >= self._spec.malformed:
            return orjson.dumps(event)
        return random.choice(MALFORMED)(event, random) or b""


def _service(number: int) -> Service:
    again, place = divmod(number, len(SERVICES))
    service = SERVICES[place]
    return replace(service, name=f"{service.name}-{again + 1}") if again else service


def _near(one: Spike, other: Spike) -> bool:
    same = (one.service, one.environment) == (other.service, other.environment)
    quiet = QUIET_MINUTES * MINUTE
    return same and one.start < other.end + quiet and other.start < one.end + quiet
