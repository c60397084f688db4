"""Builders: stretches of synthetic traffic, as records or as events."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import orjson

from producer.traffic.curve import MICROS
from producer.traffic.faults import Record, Shares
from producer.traffic.pace import Pace
from producer.traffic.scenarios import INCIDENTS, Incident, Stage
from producer.traffic.traffic import Traffic

START = 1_790_000_000 * MICROS
RATE = 200.0


def records(
    seconds: int = 10, seed: int = 7, shares: Shares | None = None, incident: Incident | None = None
) -> list[Record]:
    """The records of some seconds from START on."""
    traffic = Traffic(seed, START, RATE, shares)
    traffic.incidents = [incident] if incident else []
    return list(Pace(traffic, RATE, START, START).up_to(START + seconds * MICROS))


def events(seconds: int = 10, **asked: Any) -> list[dict[str, Any]]:
    """The same, decoded, each with its time in seconds from START as `at`."""
    found = [orjson.loads(value or b"{}") for _, value in records(seconds, **asked)]
    return [{**event, "at": seconds_of(event)} for event in found]


def seconds_of(event: dict[str, Any]) -> float:
    """The time of an event, in seconds from START."""
    return datetime.fromisoformat(event["timestamp"]).timestamp() - START / MICROS


def staged(name: str, since: int, until: int, seed: int = 7) -> Incident:
    """An incident that lasts from `since` to `until` seconds after START."""
    decks = Traffic(seed, START, RATE).decks
    return INCIDENTS[name](
        Stage(Random(seed), decks, START + since * MICROS, START + until * MICROS)
    )
