"""Minutes of very many keys, and a process that holds nothing but a engine of them."""

from __future__ import annotations

import resource
import sys
from dataclasses import replace

import numpy as np

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.histogram import Histograms
from anomaly.engine.minute import Key, Minutes

WARM = 60
BUCKETS = 12


def minutes(keys: int, count: int) -> list[Minutes]:
    """Minutes of keys from 2 to 2,000 requests each, a few failed, none in trouble."""
    rng = np.random.default_rng(7)
    names = [Key("bench", f"/{i}") for i in range(keys)]
    level = np.exp(rng.uniform(np.log(2), np.log(2000), keys))
    return [_minute(at, names, level, rng) for at in range(count)]


def _minute(at: int, names: list[Key], level: np.ndarray, rng: np.random.Generator) -> Minutes:
    requests = 1 + rng.poisson(level)
    start = np.arange(len(names) + 1) * BUCKETS
    bucket = (300 + rng.integers(0, 40, (len(names), 1)) + 3 * np.arange(BUCKETS)).ravel()
    count = 1 + np.repeat(requests, BUCKETS) // BUCKETS
    client, server = (rng.binomial(requests, share) for share in (0.03, 0.005))
    return Minutes(at, names, requests, client, server, Histograms(start, bucket, count))


def warm(made: list[Minutes], method: str, count: int = WARM) -> Engine:
    """One that has seen an hour, or so many minutes."""
    engine = Engine(Config(), method)
    for at in range(count):
        engine.fold(replace(made[at % len(made)], at=at))
    return engine


if __name__ == "__main__":
    engine = warm(minutes(int(sys.argv[2]), 1), sys.argv[1], int(sys.argv[3]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
