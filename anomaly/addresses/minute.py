"""What one address did in a closed minute, and the sum over some minutes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from anomaly.engine.columns import Ints

# The most paths and logins of a minute that are kept apart.
MOST_NAMES = 64


class AddressMinute(msgspec.Struct, frozen=True):
    """`error_paths` are what it got client errors for, as `probe.counted_as` names them; `users`
    those whose login it was refused; `attacks` requests that `probe.is_attack` says are one."""

    at: int
    ip: str
    requests: int
    dynamic: int = 0
    client_errors: int = 0
    error_paths: tuple[str, ...] = ()
    refused: int = 0
    accepted: int = 0
    users: tuple[str, ...] = ()
    attacks: int = 0

    @property
    def matters(self) -> bool:
        """Whether any rule over more than a minute can ever need it."""
        return self.client_errors + self.refused + self.accepted + self.attacks > 0


class Crowd(NamedTuple):
    """What the addresses of a minute ask for, static files apart: the middle, and 99 of 100."""

    median: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, dynamic: Ints) -> Crowd:
        """The crowd of these addresses, a number each."""
        if not len(dynamic):
            return cls()
        high = np.sort(dynamic)[int(0.99 * (len(dynamic) - 1))]
        return cls(float(np.median(dynamic)), float(high))


class AddressMinutes(NamedTuple):
    """A closed minute: `each` that a rule may need, and of all who came the crowd and the marks.

    `dropped` are addresses left out of `each` because there were too many.
    """

    at: int
    each: Sequence[AddressMinute]
    crowd: Crowd
    marks: Ints
    dropped: int = 0

    @classmethod
    def of(cls, at: int, each: Sequence[AddressMinute]) -> AddressMinutes:
        """The minute in which nobody else came."""
        dynamic = np.array([one.dynamic for one in each], np.int64)
        marks = np.array([mark(one.ip) for one in each], np.int64)
        return cls(at, each, Crowd.of(dynamic), marks)


def mark(ip: str) -> int:
    """Forty bits that stand for an address: the first of its md5."""
    return int(hashlib.md5(ip.encode(), usedforsecurity=False).hexdigest()[:10], 16)


class Sum(msgspec.Struct):
    """An address over the last minutes; `usual` are its dynamic requests in any minute."""

    requests: int = 0
    dynamic: int = 0
    client_errors: int = 0
    refused: int = 0
    accepted: int = 0
    attacks: int = 0
    cracked: bool = False
    usual: float = 0.0
    paths: set[str] = msgspec.field(default_factory=set)


def summed(minutes: Iterable[AddressMinute], failures: int) -> Sum:
    """Minutes in order of time; cracked: a login accepted after so many refused ones."""
    total = Sum()
    for one in minutes:
        total.requests += one.requests
        total.dynamic += one.dynamic
        total.client_errors += one.client_errors
        total.refused += one.refused
        total.accepted += one.accepted
        total.attacks += one.attacks
        total.cracked |= one.accepted > 0 and total.refused >= failures
        total.paths.update(one.error_paths[:MOST_NAMES])
    return total
