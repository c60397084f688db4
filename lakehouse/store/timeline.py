"""Times of the versions of a table, by the log's own stamps and never by times of files.

A clock may have been wrong for a while. Stamps have to rise with the versions: the longest run that
rises is trusted, and all other commits are spread evenly between their trusted neighbours. So each
version has its own time, and each time one version. Of a long log, samples are read, then samples
between two of them: some 200 of 43,000 entries. Pure, but for the stamps it is given.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

SAMPLES = 64
# How much the clock of another machine may be ahead of ours.
SKEW = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BEFORE_ALL = -(2**63)


class Commit(NamedTuple):
    """A version and when it was committed [us since 1970]."""

    version: int
    time: int


@dataclass(frozen=True)
class Timeline:
    """The versions `oldest` to `newest`; `stamped` returns the time a commit notes, or None."""

    oldest: int
    newest: int
    stamped: Callable[[int], datetime | None]
    now: datetime

    def time(self, version: int) -> datetime:
        """Returns when a version was committed: after its predecessor, before its successor."""
        low, high = self._between(
            lambda trusted: bisect_right([c.version for c in trusted], version)
        )
        if low.time == BEFORE_ALL:
            return _moment(high.time - (high.version - version))
        steps, length = self._gap(low, high)
        return _moment(low.time - (low.version - version) * length // steps)

    def at(self, moment: datetime) -> int:
        """Returns the version that was current at a moment; before the oldest, the oldest."""
        if moment >= self.now:
            return self.newest
        low, high = self._around(moment)
        if low.time == BEFORE_ALL:
            return max(self.oldest, high.version - (high.time - _micros(moment)))
        steps, length = self._gap(low, high)
        return low.version + min((_micros(moment) - low.time) * steps // length, steps - 1)

    def surely_by(self, moment: datetime) -> int:
        """Returns the newest version with a trusted stamp at or before a moment."""
        return max(self._around(moment)[0].version, self.oldest)

    def _around(self, moment: datetime) -> tuple[Commit, Commit]:
        return self._between(
            lambda trusted: bisect_right([c.time for c in trusted], _micros(moment))
        )

    def _between(self, place: Callable[[list[Commit]], int]) -> tuple[Commit, Commit]:
        """Returns the trusted commits next to a place, with no other trusted one between."""
        low = Commit(self.oldest - 1, BEFORE_ALL)
        high = Commit(self.newest + 1, _micros(self.now + SKEW))
        while True:
            trusted = [low, *self._trusted(low, high), high]
            after = min(max(place(trusted), 1), len(trusted) - 1)
            if (trusted[after - 1], trusted[after]) == (low, high):
                return low, high
            low, high = trusted[after - 1], trusted[after]

    def _trusted(self, low: Commit, high: Commit) -> list[Commit]:
        step = 1 << max(0, (high.version - low.version - 1) // SAMPLES).bit_length()
        sampled = range((low.version // step + 1) * step, high.version, step)
        stamps = ((version, self.stamped(version)) for version in sampled)
        commits = (Commit(version, _micros(time)) for version, time in stamps if time)
        return rising(commit for commit in commits if low.time < commit.time < high.time)

    def _gap(self, low: Commit, high: Commit) -> tuple[int, int]:
        """Returns the versions and the time between two neighbouring trusted commits."""
        steps = high.version - low.version
        end = min(high.time, _micros(self.now)) if high.version > self.newest else high.time
        return steps, max(end - low.time, steps)


def rising(commits: Iterable[Commit]) -> list[Commit]:
    """Returns the longest run of commits, in their order, whose times rise."""
    ends: list[int] = []
    runs: list[Any] = []
    for commit in commits:
        place = bisect_left(ends, commit.time)
        if ends[place : place + 1] != [commit.time]:
            ends[place : place + 1] = [commit.time]
            runs[place : place + 1] = [(commit, runs[place - 1] if place else None)]
    found, run = [], runs[-1] if runs else None
    while run:
        commit, run = run
        found.append(commit)
    return found[::-1]


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _moment(micros: int) -> datetime:
    return EPOCH + micros * MICROSECOND
