"""A closed minute as a value: what each key did in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from anomaly.engine.columns import Ints
from anomaly.engine.histogram import Histograms

GLOBAL, SERVICE, ENDPOINT, ADDRESS = "global", "service", "endpoint", "address"
SCOPES = (GLOBAL, SERVICE, ENDPOINT)


class Key(NamedTuple):
    """Whose it is: everything's, a service's, an endpoint's of a service, or an address's."""

    service: str = ""
    endpoint: str = ""
    ip: str = ""

    @property
    def scope(self) -> str:
        """`global`, `service`, `endpoint` or `address`."""
        if self.ip:
            return ADDRESS
        return ENDPOINT if self.endpoint else SERVICE if self.service else GLOBAL

    @property
    def parents(self) -> tuple[Key, ...]:
        """The wider keys that it is part of, widest first."""
        if self.ip:
            return ()
        wider = (Key(), Key(self.service))
        return wider[: SCOPES.index(self.scope)]

    def __str__(self) -> str:
        return " ".join(part for part in self if part) or "all traffic"


@dataclass(frozen=True)
class Minute:
    """What one key did in the minute that starts at `at` (minutes since the epoch)."""

    at: int
    key: Key
    requests: int
    client_errors: int = 0
    server_errors: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Minutes:
    """One closed minute of many keys, a column each; keys that did nothing have no row."""

    at: int
    keys: Sequence[Key]
    requests: Ints
    client_errors: Ints
    server_errors: Ints
    latency: Histograms

    @classmethod
    def of(cls, each: Sequence[Minute]) -> Minutes:
        """The columns of single minutes, all of the same time."""
        requests = np.array([one.requests for one in each], np.int64)
        client = np.array([one.client_errors for one in each], np.int64)
        server = np.array([one.server_errors for one in each], np.int64)
        latency = Histograms.of([one.latency for one in each])
        return cls(each[0].at, [one.key for one in each], requests, client, server, latency)


def empty(at: int) -> Minutes:
    """A minute in which nobody did anything."""
    none = np.zeros(0, np.int64)
    return Minutes(at, [], none, none, none, Histograms(np.zeros(1, np.int64), none, none))


def rolled_up(minutes: Minutes) -> Minutes:
    """The minutes of endpoints, and their sums by service and over everything."""
    everything, services = (
        Key(),
        {name: Key(name) for name in {one.service for one in minutes.keys}},
    )
    owners = [(everything, services[key.service], key) for key in minutes.keys]
    index = {key: i for i, key in enumerate(sorted({key for some in owners for key in some}))}
    group = np.array([[index[key] for key in some] for some in owners], np.int64).ravel("F")

    def summed(values: Ints) -> Ints:
        total = np.zeros(len(index), np.int64)
        np.add.at(total, group, np.tile(values, len(SCOPES)))
        return total

    return Minutes(
        minutes.at,
        list(index),
        summed(minutes.requests),
        summed(minutes.client_errors),
        summed(minutes.server_errors),
        _thrice(minutes.latency).merged(group, len(index)),
    )


def _thrice(one: Histograms) -> Histograms:
    entries = len(one.bucket)
    start = np.concatenate([one.start[:-1] + i * entries for i in range(len(SCOPES))])
    start = np.append(start, len(SCOPES) * entries)
    return Histograms(start, np.tile(one.bucket, 3), np.tile(one.count, 3))
