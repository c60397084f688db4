"""Builders of closed minutes: a small shop, quiet until told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.histogram import bucket_of
from anomaly.engine.incident import Incident
from anomaly.engine.minute import Key, Minute, Minutes, rolled_up

START = 29_000_000
LEVELS = {Key("shop", "/cart"): 120, Key("shop", "/items"): 300, Key("auth", "/login"): 80}
# (minute since the start, key, what it would do) to what it does
Change = Callable[[int, Key, Minute], Minute]


def unchanged(at: int, key: Key, one: Minute) -> Minute:
    """Nothing happens."""
    return one


def shop(
    minutes: int, change: Change = unchanged, levels: Mapping[Key, float] = LEVELS, seed: int = 1
) -> Iterator[Minutes]:
    """Closed minutes of a few endpoints, their services and everything."""
    rng = np.random.default_rng(seed)
    for at in range(minutes):
        each = [change(at, key, _minute(at, key, level, rng)) for key, level in levels.items()]
        if acting := [one for one in each if one.requests]:
            yield rolled_up(Minutes.of(acting))


def _minute(at: int, key: Key, level: float, rng: np.random.Generator) -> Minute:
    requests = int(rng.poisson(level))
    values = rng.lognormal(4.0, 0.5, min(requests, 40))
    return Minute(
        START + at,
        key,
        requests,
        int(rng.binomial(requests, 0.03)),
        int(rng.binomial(requests, 0.005)),
        histogram(values),
    )


def histogram(values: Iterable[float]) -> dict[int, int]:
    """Values as buckets."""
    held: dict[int, int] = {}
    for value in values:
        held[bucket_of(value)] = held.get(bucket_of(value), 0) + 1
    return held


def folded(minutes: Iterable[Minutes], engine: Engine | None = None) -> list[Incident]:
    """Every change that a fold hands out."""
    one = engine or Engine(Config())
    return [change for each in minutes for change in one.fold(each)]


def opened(changes: Iterable[Incident]) -> list[Incident]:
    """The incidents that opened, as they were then."""
    first: dict[str, Incident] = {}
    for change in changes:
        first.setdefault(change.incident_id, change)
    return list(first.values())


def minute_of(one: Incident) -> int:
    """When an incident opened, in minutes since the start."""
    return int(one.opened.timestamp()) // 60 - START
