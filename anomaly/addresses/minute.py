"""The counts of one address in a closed minute, and their sum over some minutes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from anomaly.engine.columns import Ints

# The most paths of a kind, and the most logins, of an address and minute that are kept apart.
MOST_NAMES = 64


class AddressMinute(msgspec.Struct, frozen=True):
    """The counts of one address in the minute `at` (minutes since the epoch).

    `dynamic` counts requests that are not for static files, `failed` those of them that are
    answered 4xx or 5xx, `writes` those that are no reading. `refused` and `accepted` count logins,
    `users` are those whose login was refused. `hostile` counts requests that `probe.is_hostile`
    recognises, `agents` those whose agent is a scanner's, `crawls` a crawler's. The others are
    marks of different paths, as `probe.counted_as` names them: `failing` ones fail for nobody else
    in this minute, `strange` ones are hostile, and `alone` are those that nobody else asked for in
    this minute.
    """

    at: int
    ip: str
    requests: int
    dynamic: int = 0
    failed: int = 0
    writes: int = 0
    refused: int = 0
    accepted: int = 0
    users: tuple[str, ...] = ()
    hostile: int = 0
    agents: int = 0
    crawls: int = 0
    failing: tuple[int, ...] = ()
    strange: tuple[int, ...] = ()
    alone: tuple[int, ...] = ()

    @property
    def matters(self) -> bool:
        """Whether a rule over more than one minute can ever need this minute."""
        return self.refused + self.accepted > 0

    @property
    def is_suspect(self) -> bool:
        """Whether it has evidence of a scan, so that its buckets are kept."""
        return bool(self.failing or self.strange or self.agents)


class Crowd(NamedTuple):
    """The addresses of a minute together.

    `median` and `high`, the 99th percentile, are of their requests without static files; of a
    single address there is no other to compare with, and `high` is 0. The others are sums.
    """

    median: float = 0.0
    high: float = 0.0
    requests: float = 0.0
    failed: float = 0.0
    hostile: float = 0.0
    writes: float = 0.0

    @classmethod
    def of(cls, dynamic: Ints, sums: Sequence[float] = ()) -> Crowd:
        """Returns the crowd of these counts, of the shape (addresses,)."""
        if not len(dynamic):
            return cls()
        high = np.sort(dynamic)[int(0.99 * (len(dynamic) - 1))] if len(dynamic) > 1 else 0.0
        return cls(float(np.median(dynamic)), float(high), *sums)


class AddressMinutes(NamedTuple):
    """A closed minute: `each` has the addresses that a rule may need, `crowd` is of all addresses.

    `marks`, of the shape (addresses,), are those of all addresses, `paths`, of the shape (paths,),
    those of all paths without static files. `dropped` counts addresses that were left out of `each`
    because there were too many.
    """

    at: int
    each: Sequence[AddressMinute]
    crowd: Crowd
    marks: Ints
    paths: Ints = np.zeros(0, np.int64)
    dropped: int = 0

    @classmethod
    def of(cls, at: int, each: Sequence[AddressMinute]) -> AddressMinutes:
        """Returns a minute in which only these addresses came."""
        dynamic = np.array([one.dynamic for one in each], np.int64)
        marks = np.array([mark(one.ip) for one in each], np.int64)
        sums = [
            float(sum(getattr(one, name) for one in each))
            for name in ("requests", "failed", "hostile", "writes")
        ]
        asked = {path for one in each for path in (*one.failing, *one.strange, *one.alone)}
        paths = np.array(sorted(asked), np.int64)
        return cls(at, each, Crowd.of(dynamic, sums), marks, paths)


def mark(text: str) -> int:
    """Returns 40 bits that stand for an address or a path: the first ones of its MD5."""
    raw = text.encode("utf-8", "surrogatepass")
    return int(hashlib.md5(raw, usedforsecurity=False).hexdigest()[:10], 16)


class Sum(msgspec.Struct):
    """The counts of an address over some minutes; `usual` is its baseline of dynamic requests."""

    requests: int = 0
    dynamic: int = 0
    refused: int = 0
    accepted: int = 0
    cracked: bool = False
    usual: float = 0.0


def summed(minutes: Iterable[AddressMinute], failures: int) -> Sum:
    """Sums minutes, in order of time; `cracked` if a login succeeds after so many refused ones."""
    total = Sum()
    for one in minutes:
        total.requests += one.requests
        total.dynamic += one.dynamic
        total.refused += one.refused
        total.accepted += one.accepted
        total.cracked |= one.accepted > 0 and total.refused >= failures
    return total
