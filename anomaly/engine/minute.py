"""A closed minute as a value: the counts and the latency of each key. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from anomaly.engine.columns import Ints
from anomaly.engine.histogram import Histograms

GLOBAL, SERVICE, ENDPOINT, ADDRESS = "global", "service", "endpoint", "address"
GROUP = "group"
SCOPES = (GLOBAL, SERVICE, ENDPOINT)


class Key(NamedTuple):
    """What is judged: all traffic, a service, an endpoint of a service, or an address.

    `group` is what else a rule tells apart, as `user=bob`.
    """

    service: str = ""
    endpoint: str = ""
    ip: str = ""
    group: str = ""

    @property
    def scope(self) -> str:
        """`global`, `service`, `endpoint`, `address` or `group`."""
        if self.group:
            return GROUP
        if self.ip:
            return ADDRESS
        return ENDPOINT if self.endpoint else SERVICE if self.service else GLOBAL

    @property
    def parents(self) -> tuple[Key, ...]:
        """The wider keys that contain it, widest first."""
        if self.ip or self.group:
            return ()
        wider = (Key(), Key(self.service))
        return wider[: SCOPES.index(self.scope)]

    def __str__(self) -> str:
        return " ".join(part for part in self if part) or "all traffic"


@dataclass(frozen=True)
class Minute:
    """The counts of one key in the minute that starts at `at` (minutes since the epoch).

    `latency` maps buckets of the histogram to counts.
    """

    at: int
    key: Key
    requests: int
    client_errors: int = 0
    server_errors: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Minutes:
    """One closed minute of many keys, in columns of the shape (keys,).

    Keys without a request have no row.
    """

    at: int
    keys: Sequence[Key]
    requests: Ints
    client_errors: Ints
    server_errors: Ints
    latency: Histograms

    @classmethod
    def of(cls, each: Sequence[Minute]) -> Minutes:
        """Makes the columns of single minutes, which are all of the same time."""
        requests = np.array([one.requests for one in each], np.int64)
        client = np.array([one.client_errors for one in each], np.int64)
        server = np.array([one.server_errors for one in each], np.int64)
        latency = Histograms.of([one.latency for one in each])
        return cls(each[0].at, [one.key for one in each], requests, client, server, latency)


def empty(at: int) -> Minutes:
    """Returns a minute without any request."""
    none = np.zeros(0, np.int64)
    return Minutes(at, [], none, none, none, Histograms(np.zeros(1, np.int64), none, none))


def rolled_up(minutes: Minutes) -> Minutes:
    """Returns the minutes of endpoints, with their sums by service and over all traffic.

    Lines without an endpoint count for their service only.
    """
    everything, services = (
        Key(),
        {name: Key(name) for name in {one.service for one in minutes.keys}},
    )
    owners = [(everything, services[key.service], key) for key in minutes.keys]
    index = {key: i for i, key in enumerate(sorted({key for some in owners for key in some}))}
    # what has no endpoint would count for its service twice: it goes behind all keys, and away
    places = [(*some[:2], some[2] if some[2].endpoint else None) for some in owners]
    nowhere = len(index)
    group = np.array(
        [[nowhere if key is None else index[key] for key in some] for some in places], np.int64
    ).ravel("F")

    def summed(values: Ints) -> Ints:
        total = np.zeros(nowhere + 1, np.int64)
        np.add.at(total, group, np.tile(values, len(SCOPES)))
        return total[:nowhere]

    return Minutes(
        minutes.at,
        list(index),
        summed(minutes.requests),
        summed(minutes.client_errors),
        summed(minutes.server_errors),
        _thrice(minutes.latency).merged(group, nowhere + 1).first(nowhere),
    )


def _thrice(one: Histograms) -> Histograms:
    entries = len(one.bucket)
    start = np.concatenate([one.start[:-1] + i * entries for i in range(len(SCOPES))])
    start = np.append(start, len(SCOPES) * entries)
    return Histograms(start, np.tile(one.bucket, 3), np.tile(one.count, 3))
