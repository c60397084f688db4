"""Routes with prepared answers: paths, statuses, latencies and sizes are drawn once. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from producer.traffic.catalog import SERVICES, WORDS, Route, Service
from producer.traffic.people import zipf

Draw = Callable[[], float]
SPREAD = 0.45
GOOD = {
    "GET": (200, 200, 200, 200, 200, 200, 200, 200, 200, 304),
    "POST": (201, 200),
    "PUT": (204,),
}
REFUSED = {
    "GET": (404, 404, 404, 403, 401, 429),
    "POST": (400, 422, 401, 409, 429),
    "PUT": (400, 409),
}
BROKEN = (500, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Deck:
    """A route of a service with a few thousand prepared answers."""

    service: str
    route: Route
    weight: float
    paths: tuple[str, ...]
    outcomes: tuple[tuple[int, str], ...]
    latencies: tuple[float, ...]
    sizes: tuple[int, ...]

    def answer(self, draw: Draw, slowdown: float = 1.0) -> dict[str, Any]:
        """Returns the event fields of one request; latency grows with `slowdown`."""
        status, level = self.outcomes[int(draw() * len(self.outcomes))]
        pick = draw()
        return {
            "service": self.service,
            "endpoint": self.route.template,
            "method": self.route.method,
            "path": self.paths[int(draw() * len(self.paths))],
            "status_code": status,
            "level": level,
            "response_time": round(self.latencies[int(pick * 2048)] * slowdown, 2),
            "bytes_sent": self.sizes[int(draw() * 512)] if status < 400 else 160 + int(pick * 400),
        }


@lru_cache(maxsize=4)
def decks(seed: int, services: tuple[Service, ...] = SERVICES) -> tuple[Deck, ...]:
    """Returns every route, weighted by its service's share and a Zipf law within it."""
    random = Random(f"decks {seed}")
    return tuple(deck for service in services for deck in _of_service(service, random))


def level_of(status: int) -> str:
    """Returns the severity that a status is logged with."""
    return "ERROR" if status >= 500 else "WARN" if status >= 400 else "INFO"


def hand(of: Sequence[Deck], size: int = 4096) -> list[Deck]:
    """Returns a list in which each deck occurs by its weight: a random index draws one."""
    total = sum(deck.weight for deck in of)
    return [deck for deck in of for _ in range(max(1, round(size * deck.weight / total)))]


def _of_service(service: Service, random: Random) -> list[Deck]:
    total = zipf(len(service.routes))[-1]
    return [
        _deck(service, route, service.share / rank**0.9 / total, random)
        for rank, route in enumerate(service.routes, 1)
    ]


def _deck(service: Service, route: Route, weight: float, random: Random) -> Deck:
    return Deck(
        service.name,
        route,
        weight,
        tuple(_path(route, random) for _ in range(256)),
        tuple(_outcomes(route, random)),
        tuple(route.latency_ms * random.lognormvariate(0, SPREAD) for _ in range(2048)),
        tuple(int(route.size * random.lognormvariate(0, 0.3)) for _ in range(512)),
    )


def _path(route: Route, random: Random) -> str:
    fillers = {
        "id": lambda: str(1000 + int(100 * random.paretovariate(0.8)) % 900_000),
        "word": lambda: random.choice(WORDS),
        "n": lambda: str(random.randrange(1, 9)),
    }
    has_query = route.query and random.random() < 0.7
    pattern = f"{route.template}?{route.query}" if has_query else route.template
    return re.sub(r"\{(\w+)\}", lambda hole: fillers[hole[1]](), pattern)


def _outcomes(route: Route, random: Random, size: int = 4000) -> list[tuple[int, str]]:
    refused, broken = round(size * route.client_errors), round(size * route.server_errors)
    statuses = [
        *random.choices(REFUSED[route.method], k=refused),
        *random.choices(BROKEN, k=broken),
        *random.choices(GOOD[route.method], k=size - refused - broken),
    ]
    return [(status, level_of(status)) for status in statuses]
