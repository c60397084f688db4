"""The visitors: addresses, agents, users and applications, drawn once into pools. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Any

from producer.traffic.catalog import BROWSERS, CRAWLERS, TOOLS

VISITORS = 4000
ENVIRONMENTS = (("production", 0.90), ("staging", 0.08), ("development", 0.02))
KINDS = (("browser", 0.70), ("phone", 0.17), ("crawler", 0.06), ("tool", 0.07))
PHONE_APPS = ("shop-ios", "shop-android")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client: `about` holds the event fields that stay the same in all its requests."""

    about: dict[str, str]
    reads_only: bool


@lru_cache(maxsize=4)
def visitors(seed: int, count: int = VISITORS) -> tuple[Visitor, ...]:
    """Returns `count` visitors, most frequent first; the same for the same seed."""
    from faker import Faker

    fake, random = Faker("en_US"), Random(f"people {seed}")
    fake.seed_instance(seed)
    return tuple(_visitor(fake, random) for _ in range(count))


def zipf(count: int, slope: float = 0.9) -> list[float]:
    """Returns cumulative weights for `random.choices`: the n-th has weight 1 / n ** slope."""
    return list(accumulate(1 / rank**slope for rank in range(1, count + 1)))


def address(random: Random) -> str:
    """Returns a random public-looking IPv4 address."""
    first = random.choice((23, 37, 45, 62, 78, 84, 91, 103, 142, 151, 178, 185, 203, 212))
    return f"{first}.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def _visitor(fake: Any, random: Random) -> Visitor:
    kind, about = _pick(random, KINDS), {"ip": address(random)}
    about["environment"] = _pick(random, ENVIRONMENTS)
    about["user_agent"] = _agent(kind, fake, random)
    if kind in ("browser", "phone"):
        about["app"] = random.choice(PHONE_APPS) if kind == "phone" else "web"
        if random.random() < 0.6:
            about["user"] = fake.user_name()
    elif kind == "tool" and random.random() < 0.5:
        about["app"] = "partner-api"
    return Visitor(about, reads_only=kind == "crawler")


def _agent(kind: str, fake: Any, random: Random) -> str:
    if kind in ("crawler", "tool"):
        return random.choice(CRAWLERS if kind == "crawler" else TOOLS)
    if kind == "phone":
        return f"Shop/{random.randrange(4, 7)}.{random.randrange(30)} {fake.ios_platform_token()}"
    if random.random() < 0.3:
        faked = {"version_from": 118, "version_to": 131, "build_from": 5993, "build_to": 6778}
        return str(fake.chrome(**faked))
    agent = random.choice(BROWSERS)
    return agent.format(
        v=random.randrange(7) if "Version/" in agent else random.randrange(128, 143)
    )


def _pick(random: Random, shares: tuple[tuple[str, float], ...]) -> str:
    names, weights = zip(*shares, strict=True)
    picked: str = random.choices(names, weights)[0]
    return picked
