"""Faults of records: the kinds of malformed ones, and how many there are. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import orjson

from lakehouse.errors import SettingsError
from producer.traffic.curve import MICROS

Event = dict[str, Any]
Record = tuple[bytes, bytes | None]
Spoiler = Callable[[Event, Random], bytes | None]

REQUIRED = ("timestamp", "service")
MINUTE = 60 * MICROS


@dataclass(frozen=True)
class Shares:
    """Which shares of all events are malformed, sent twice, or late."""

    malformed: float = 0.0
    duplicates: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        """Raises SettingsError for a number that is not a share."""
        given = asdict(self)
        if min(given.values()) < 0 or sum(given.values()) > 1:
            text = " ".join(f"--{name} {share:g}" for name, share in given.items())
            raise SettingsError(f"shares do not fit: {text}", "each from 0 up, together at most 1")


def cut(event: Event, random: Random) -> bytes:
    """JSON that ends too early."""
    body = orjson.dumps(event)
    return body[: random.randrange(1, len(body))]


def wrong_type(event: Event, random: Random) -> bytes:
    """A required field of another type."""
    wrong = {"service": 7, "timestamp": True}
    name = random.choice(tuple(wrong))
    return orjson.dumps({**event, name: wrong[name]})


def missing_field(event: Event, random: Random) -> bytes:
    """A required field is not there."""
    gone = random.choice(REQUIRED)
    return orjson.dumps({name: value for name, value in event.items() if name != gone})


def no_zone(event: Event, random: Random) -> bytes:
    """A timestamp that could be anywhere on earth."""
    return orjson.dumps({**event, "timestamp": event["timestamp"][:-1]})


def far_future(event: Event, random: Random) -> bytes:
    """A clock that is years ahead."""
    return orjson.dumps({**event, "timestamp": f"2031-01-01{event['timestamp'][10:]}"})


def invalid_utf8(event: Event, random: Random) -> bytes:
    """Bytes that are no text."""
    return orjson.dumps(event).replace(b'"path":"', b'"path":"\xc3\x28\xff')


def empty(event: Event, random: Random) -> bytes | None:
    """No value at all, or one of no length."""
    return None if random.random() < 0.5 else b""


MALFORMED: tuple[Spoiler, ...] = (
    cut,
    wrong_type,
    missing_field,
    no_zone,
    far_future,
    invalid_utf8,
    empty,
)


def lateness(random: Random) -> int:
    """Returns how much earlier a late event happened: 1 to 30 minutes, in microseconds."""
    return int(random.uniform(1, 30) * MINUTE)
