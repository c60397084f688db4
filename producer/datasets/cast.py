"""The users, applications and addresses in generated files; the same seed gives the same."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address
from random import Random

from producer.traffic import people

USERS = 1000
APPS = (
    "facebook",
    "instagram",
    "youtube",
    "whatsapp",
    "tiktok",
    "netflix",
    "spotify",
    "telegram",
    "twitter",
    "gmail",
    "maps",
    "slack",
)
# Public ranges that registries gave to regions of the world.
IPV6 = (0x2001_0200, 0x2003_0000, 0x2400_0000, 0x2600_0000, 0x2800_0000, 0x2A00_0000, 0x2C0F_0000)
PRIVATE = ("10.0.0.{}", "192.168.1.{}", "172.16.9.{}", "127.0.0.{}")


def users(count: int = USERS) -> list[str]:
    """Returns `user1` to `user<count>`; by `shares`, the first is the most frequent."""
    return [f"user{number}" for number in range(1, count + 1)]


def shares(count: int, slope: float = 0.9) -> list[float]:
    """Returns cumulative shares up to 1.0: the n-th member has weight 1 / n ** slope."""
    weights = people.zipf(count, slope)
    return [weight / weights[-1] for weight in weights]


@lru_cache(maxsize=4)
def addresses(seed: int, count: int, private: float = 0.02, ipv6: float = 0.1) -> tuple[str, ...]:
    """Returns addresses of clients: these shares are private or IPv6, the others public IPv4."""
    random = Random(f"addresses {seed}")
    return tuple(_address(random, private, ipv6) for _ in range(count))


def _address(random: Random, private: float, ipv6: float) -> str:
    drawn = random.random()
    if drawn < private:
        return random.choice(PRIVATE).format(random.randrange(1, 255))
    if drawn < private + ipv6:
        return str(IPv6Address((random.choice(IPV6) << 96) | random.getrandbits(64)))
    return people.address(random)
