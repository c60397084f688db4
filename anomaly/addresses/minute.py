"""The counts of one address in a closed minute, and their sum over some minutes. Pure."""

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
    """The counts of one address in the minute `at` (minutes since the epoch).

    `dynamic` counts requests that are not for static files. `error_paths` are the paths of its
    client errors, as `probe.counted_as` names them; `refused` and `accepted` count logins, `users`
    are those whose login was refused; `attacks` counts requests that `probe.is_attack` recognises.
    """

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
        """Whether a rule over more than one minute can ever need this minute."""
        return self.client_errors + self.refused + self.accepted + self.attacks > 0


class Crowd(NamedTuple):
    """Requests of the addresses of a minute, without static files: median and 99th percentile."""

    median: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, dynamic: Ints) -> Crowd:
        """Returns the crowd of these counts, of the shape (addresses,)."""
        if not len(dynamic):
            return cls()
        high = np.sort(dynamic)[int(0.99 * (len(dynamic) - 1))]
        return cls(float(np.median(dynamic)), float(high))


class AddressMinutes(NamedTuple):
    """A closed minute: `each` has the addresses that a rule may need, `crowd` is of all addresses.

    `marks`, of the shape (addresses,), are those of all addresses. `dropped` counts addresses that
    were left out of `each` because there were too many.
    """

    at: int
    each: Sequence[AddressMinute]
    crowd: Crowd
    marks: Ints
    dropped: int = 0

    @classmethod
    def of(cls, at: int, each: Sequence[AddressMinute]) -> AddressMinutes:
        """Returns a minute in which only these addresses came."""
        dynamic = np.array([one.dynamic for one in each], np.int64)
        marks = np.array([mark(one.ip) for one in each], np.int64)
        return cls(at, each, Crowd.of(dynamic), marks)


def mark(ip: str) -> int:
    """Returns 40 bits that stand for an address: the first ones of its MD5."""
    return int(hashlib.md5(ip.encode(), usedforsecurity=False).hexdigest()[:10], 16)


class Sum(msgspec.Struct):
    """The counts of an address over some minutes; `usual` is its baseline of dynamic requests."""

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
    """Sums minutes, in order of time; `cracked` if a login succeeds after so many refused ones."""
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
