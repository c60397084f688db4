"""Builders: `logs` of a small shop for some hours, with trouble in them, and its incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from support.lakes import Lake
from support.windows import at, logged

from anomaly.commands.series import constants
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.incidents import incidents
from lakehouse import settings
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close

CONFIG = constants(None)
SCANNER = "203.0.113.9"
LEVELS = {("shop", "/cart"): 60, ("shop", "/items"): 90, ("auth", "/login"): 40}


@dataclass(frozen=True)
class Doing:
    """What an endpoint does in a minute: times its usual requests, share of 5xx, ms."""

    times: float = 1.0
    failing: float = 0.005
    slow: float = 60.0


USUAL = Doing()
Change = Callable[[int, str], Doing]


def spike(minute: int, endpoint: str) -> Doing:
    """Four times the requests of the cart, from the hundredth minute on for ten."""
    return Doing(times=4) if endpoint == "/cart" and 100 <= minute < 110 else USUAL


def troubled(lake: Lake, change: Change = spike, minutes: int = 150, seed: int = 3) -> Lake:
    """Rows of so many minutes in one commit, all minutes closed and folded."""
    put(lake, change, minutes, seed)
    close_and_fold(lake, minutes)
    return lake


def put(lake: Lake, change: Change, minutes: int, seed: int = 3, first: int = 0) -> None:
    """The rows of so many minutes, from the first one on."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    chance = np.random.default_rng(seed)
    each = [
        _rows(minute, *key, int(chance.poisson(level * doing.times)), doing, chance)
        for minute in range(first, first + minutes)
        for key, level in LEVELS.items()
        for doing in [change(minute, key[1])]
    ]
    lake.put(pa.concat_tables(each))


def _rows(
    minute: int, service: str, endpoint: str, count: int, doing: Doing, chance: np.random.Generator
) -> pa.Table:
    times: list[datetime] = [at(minute) + timedelta(seconds=60 * n / count) for n in range(count)]
    codes = np.where(chance.random(count) < doing.failing, 503, 200).tolist()
    took = chance.lognormal(np.log(doing.slow), 0.3, count).round(1).tolist()
    return logged(
        times,
        service=service,
        endpoint=endpoint,
        status_code=codes,
        response_time=took,
        _commit="writer:0",
    )


def scanned(lake: Lake, minutes: int = 100) -> Lake:
    """A quiet site, and an address that looks for holes from minute 70 to 76; closed and folded."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    crowd = [f"10.0.0.{n}" for n in range(40)]
    tries = [f"/{word}{n}" for n in range(6) for word in ("admin", "old", "git", "env", "cgi")]
    each = [asked(minute, crowd, 200, [None] * len(crowd)) for minute in range(minutes)]
    each += [asked(minute, [SCANNER] * len(tries), 404, tries) for minute in range(70, 76)]
    lake.put(pa.concat_tables(each))
    close_and_fold(lake, minutes)
    return lake


def asked(minute: int, ips: list[str], status: int, paths: list[str | None]) -> pa.Table:
    """A request of each of these addresses."""
    times = [at(minute) + timedelta(seconds=50 * n / len(ips)) for n in range(len(ips))]
    return logged(
        times, ip=ips, path=paths, endpoint="/{unmatched}", status_code=status, _commit="writer:0"
    )


def close_and_fold(lake: Lake, until: int) -> None:
    """Close the minutes before this one, and find what is in them."""
    close_minutes(lake, until)
    detection = Detection(lake.places, CONFIG)
    detection()
    detection.addresses()


def close_minutes(lake: Lake, until: int) -> None:
    """Close the minutes before this one, and no more."""
    for _ in close(lake.places, MINUTES, at(until)):
        pass


def found(lake: Lake, measure: str = "", key: str = "") -> list[Incident]:
    """What the table holds, in order of opening."""
    rows = incidents(lake.places)
    chosen = [one for one in rows if one.measure in (measure or one.measure)]
    named = [one for one in chosen if one.key == (key or one.key)]
    return sorted(named, key=lambda one: (one.opened, one.incident_id))
