"""Sums what one address does that a visitor does not: evidence in points, which add up. Pure.

Different paths fill leaky buckets, as in CrowdSec's scenarios `http-probing` (ten different failing
paths), `http-sensitive-files` and `http-bad-user-agent`; ours leak more slowly, so that slow scans
are found. Shares of failed requests, of attacks and of writes count as far as they are above those
of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from anomaly.addresses.minute import AddressMinute, Crowd
from anomaly.engine.config import Addresses as Limits

# A path counts once in this hour and the next.
_AGAIN_MINUTES = 60
_BITS, _HASHES, _STEP = 1024, 3, 10
# Counts of requests halve in so many minutes.
_HALF_MINUTES = 10
# What the others are taken to do while little of them is known: as so many requests of theirs.
_PRIOR_REQUESTS = 50.0
_FAILED, _HOSTILE, _WRITES = 0.02, 0.002, 0.1
# From so many times the share of the others on, a share counts in full.
_FULL_TIMES = 5.0
# A bucket holds at most so many times its capacity, so that it is empty soon after the end.
_MOST_FULL = 2.0


class Evidence(NamedTuple):
    """One kind of evidence: its points, and what was seen in words."""

    points: float
    words: str


class Counts(msgspec.Struct):
    """Requests of the last minutes, older ones for less."""

    requests: float = 0.0
    failed: float = 0.0
    hostile: float = 0.0
    writes: float = 0.0

    def add(self, other: Counts | AddressMinute | Crowd, times: float = 1.0) -> None:
        """Adds the counts of a minute."""
        self.requests += times * other.requests
        self.failed += times * other.failed
        self.hostile += times * other.hostile
        self.writes += times * other.writes

    def fade(self, minutes: int) -> None:
        """Lets them count for less, as this many minutes have passed."""
        part = 0.5 ** (minutes / _HALF_MINUTES)
        self.requests, self.failed = self.requests * part, self.failed * part
        self.hostile, self.writes = self.hostile * part, self.writes * part

    def without(self, one: AddressMinute) -> Counts:
        """Returns the counts of the others in the same minute."""
        rest = msgspec.structs.replace(self)
        rest.add(one, -1.0)
        return rest


class Suspect(msgspec.Struct):
    """The buckets of one address, in different paths (writes in requests), and its counts.

    `now` and `before` are the paths of this hour and the one before, as Bloom filters. `last` is
    the last minute that added evidence, `agent` the last one in which it called itself a scanner.
    """

    at: int
    failing: float = 0.0
    hostile: float = 0.0
    alone: float = 0.0
    writes: float = 0.0
    counts: Counts = msgspec.field(default_factory=Counts)
    now: bytes = bytes(_BITS // 8)
    before: bytes = bytes(_BITS // 8)
    last: int = -1
    agent: int = -1_000_000

    def take(self, one: AddressMinute, limits: Limits) -> None:
        """Adds a minute of the address."""
        passed = one.at - self.at
        self._turn(one.at)
        self.counts.fade(passed)
        self.counts.add(one)
        slow, fast = limits.scanning_leak * passed, limits.alone_leak * passed
        hostile = self._fresh(one.strange, 2)
        failing = self._fresh(sorted({*one.failing} - {*one.strange}), 1)
        self.failing = _poured(self.failing, slow, failing, limits.scanning_paths)
        self.hostile = _poured(
            self.hostile, limits.hostile_leak * passed, hostile, limits.hostile_paths
        )
        self.alone = _poured(self.alone, fast, self._fresh(one.alone, 3), limits.alone_paths)
        self.writes = _poured(self.writes, fast, one.writes, limits.alone_paths)
        if one.agents:
            self.agent = one.at
        if failing or hostile or one.agents or one.alone:
            self.last = one.at
        self.at = one.at

    def is_over(self, at: int, limits: Limits) -> bool:
        """Whether so much time has passed that nothing of it counts any more."""
        passed = at - self.at
        slowest = min(limits.scanning_leak, limits.hostile_leak)
        level = max(self.failing, self.hostile)
        return passed >= _AGAIN_MINUTES or (passed > _HALF_MINUTES and level <= passed * slowest)

    def evidence(
        self, one: AddressMinute, others: Counts, crowd: Crowd, usual: float, limits: Limits
    ) -> Iterator[Evidence]:
        """Yields the evidence after a minute of it, next to the counts of the others."""
        counts = self.counts
        failed, hers = _shares(counts.failed, counts.requests, others.failed, others, _FAILED)
        excess = _excess(failed, hers)
        yield Evidence(
            min(5.0 * self.failing / limits.scanning_paths, 6.0) * excess,
            f"{self.failing:.0f} paths that fail",
        )
        yield Evidence(
            min(counts.failed / 20, 1.5) * excess,
            f"{failed:.0%} of its requests fail, {hers:.1%} of the others'".replace("%", " %"),
        )
        strange, hers = _shares(counts.hostile, counts.requests, others.hostile, others, _HOSTILE)
        yield Evidence(
            min(5.0 * self.hostile / limits.hostile_paths, 7.0) * _excess(strange, hers),
            f"{self.hostile:.0f} attack strings or sensitive files",
        )
        named = one.at - self.agent < limits.scanning_minutes
        yield Evidence(4.0 if named else 0.0, "its agent is a scanner's")
        yield Evidence(
            min(3.0 * self.alone / limits.alone_paths, 3.0),
            f"{self.alone:.0f} new paths that nobody else asks for",
        )
        high = max(crowd.high, usual) * limits.hammering_high
        limit = max(limits.hammering_requests, high)
        yield Evidence(min(2.0 * one.dynamic / limit, 2.0), f"{one.dynamic:,} requests in 1 min")
        wrote, hers = _shares(counts.writes, counts.requests, others.writes, others, _WRITES)
        yield Evidence(
            min(1.5 * self.writes / limits.alone_paths, 1.5) * _excess(wrote, hers),
            f"{self.writes:.0f} writes",
        )

    def is_wide(self, at: int, limits: Limits) -> bool:
        """Whether it tries different things; a client that only fails or is busy does not."""
        return (
            self.failing >= limits.scanning_paths / 2
            or self.hostile >= limits.hostile_paths / 2
            or self.alone >= limits.alone_paths / 2
            or at - self.agent < limits.scanning_minutes
        )

    def _turn(self, at: int) -> None:
        hours = at // _AGAIN_MINUTES - self.at // _AGAIN_MINUTES
        if hours:
            self.before = self.now if hours == 1 else bytes(_BITS // 8)
            self.now = bytes(_BITS // 8)

    def _fresh(self, marks: Iterable[int], kind: int) -> int:
        """Returns how many of these paths are new to this kind of evidence; now they are known."""
        now, known = (int.from_bytes(part, "big") for part in (self.now, self.before))
        count = 0
        for mark in marks:
            bits = _bits(mark + kind)
            count += bits & ~now != 0 and bits & ~known != 0
            now |= bits
        self.now = now.to_bytes(_BITS // 8, "big")
        return count


def _bits(mark: int) -> int:
    """Returns a few bits of a filter, by the digits of a mark; each kind has its own."""
    mixed = mark * 0x9E3779B97F4A7C15 & ((1 << 64) - 1)
    bits = 0
    for i in range(_HASHES):
        bits |= 1 << (mixed >> (63 - _STEP * (i + 1)) & (_BITS - 1))
    return bits


def _poured(level: float, leaked: float, more: float, capacity: float) -> float:
    return float(min(max(level - leaked, 0.0) + more, _MOST_FULL * capacity))


def _shares(
    own: float, requests: float, theirs: float, others: Counts, prior: float
) -> tuple[float, float]:
    """Returns a share of the address, and of the others."""
    known = max(others.requests, 0.0) + _PRIOR_REQUESTS
    return own / max(requests, 1.0), (max(theirs, 0.0) + prior * _PRIOR_REQUESTS) / known


def _excess(share: float, others: float) -> float:
    """Returns 0 for a share as the others have, 1 for one of five times that."""
    return min(max(math.log(max(share / others, 1e-9)) / math.log(_FULL_TIMES), 0.0), 1.0)
