"""Folds closed minutes of addresses, in event-time order, into incidents. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from anomaly.addresses import scan
from anomaly.addresses.fresh import Fresh
from anomaly.addresses.minute import AddressMinute, AddressMinutes, Crowd, summed
from anomaly.addresses.networks import Networks
from anomaly.addresses.rules import RULES, hammering
from anomaly.addresses.scan import Scan, Scans, Spread
from anomaly.engine.columns import Column
from anomaly.engine.config import Config
from anomaly.engine.detector import HOLD, LEARN, Seen
from anomaly.engine.detectors.traffic import Traffic
from anomaly.engine.incident import Incident
from anomaly.engine.minute import Key
from anomaly.engine.surprise import CAP
from anomaly.engine.tracker import Breach, Tracked, Tracker

MEASURE = "address"
SCANNING, SPRAYING, SURGE = "scanning", "spraying", "new_addresses"
SPREAD = "spread_scan"
# What a login that is tried from many addresses stands under as a key.
LOGIN = "login"


class State(msgspec.Struct, frozen=True):
    """The whole state of the addresses, for a snapshot."""

    config: str
    folded_to: int
    dropped: int
    born: int
    minutes: dict[str, list[AddressMinute]]
    usual: dict[str, float]
    fresh: tuple[int, bytes, bytes]
    surge: dict[str, Column]
    scans: scan.State
    open: list[Tracked]
    closed: list[Tracked]


class Addresses:
    """Keeps only addresses that can still break a rule, at most `most` of them."""

    def __init__(self, config: Config) -> None:
        self.config, self.tracker = config, Tracker(config)
        limits = config.addresses
        self._exempt, self._scans = exempt(config), Scans(config)
        self.minutes: dict[str, list[AddressMinute]] = {}
        self._usual: dict[str, float] = {}
        self.folded_to, self.dropped, self._born = -1, 0, -1
        self._fresh, self._surge = Fresh(), Traffic(config)
        self._longest = max(getattr(limits, one.minutes) for one in RULES.values())

    def fold(self, minutes: AddressMinutes) -> list[Incident]:
        """Folds a closed minute; returns the incidents that opened, escalated or closed by it."""
        if (at := minutes.at) <= self.folded_to:
            return []
        self.folded_to, self._born = at, at if self._born < 0 else self._born
        self.dropped += minutes.dropped
        judged = sorted((m for m in minutes.each if m.ip not in self._exempt), key=lambda m: m.ip)
        self._expire(at)
        broken = self._broken(at, judged, minutes.crowd)
        scanned = self._scanned(minutes, judged)
        breaches = [*_critical(broken, scanned), *scanned, *self._sprayed(), *self._surged(minutes)]
        if at - self._born < self.config.addresses.warm_minutes:
            # who is heavy can only be told once the others are known
            breaches = [one for one in breaches if one.direction != hammering.__name__]
        self._learn(judged)
        # that one asks for much says the least
        in_order = sorted(breaches, key=lambda one: one.direction == hammering.__name__)
        changes = [change for one in in_order for change in self._take(at, one)]
        return [*changes, *(ended.incident for ended, _ in self.tracker.end(at))]

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return [tracked.incident for tracked in self.tracker.open.values()]

    def dump(self) -> State:
        """Returns the whole state, for a snapshot."""
        return State(
            self.config.hash,
            self.folded_to,
            self.dropped,
            self._born,
            {ip: list(minutes) for ip, minutes in self.minutes.items()},
            dict(self._usual),
            self._fresh.dump(),
            self._surge.state.dump(),
            self._scans.dump(),
            *self.tracker.dump(),
        )

    @classmethod
    def load(cls, config: Config, kept: State) -> Addresses:
        """Returns a fold that continues from a snapshot."""
        one, kept = cls(config), msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=State)
        one.folded_to, one.dropped, one._born = kept.folded_to, kept.dropped, kept.born
        one.minutes, one._usual = kept.minutes, kept.usual
        one._fresh.load(*kept.fresh)
        one._surge.state.load(kept.surge)
        one._scans.load(kept.scans)
        one.tracker.load(kept.open, kept.closed)
        return one

    def _take(self, at: int, one: Breach) -> Iterator[Incident]:
        """Yields the incident that a breach changed, and what it is part of, if that escalates.

        What an address does while it has an open incident is a part of that.
        """
        own = (other.incident for key, other in self.tracker.open.items() if key[0] == one.key)
        first = next(own, None) if one.key.ip else None
        whole = (first.parent or first.incident_id) if first else ""
        if changed := self.tracker.breach(at, one, whole):
            yield changed
            if changed.parent and (
                worse := self.tracker.escalate(changed.parent, changed.severity)
            ):
                yield worse

    def _expire(self, at: int) -> None:
        """Drops minutes that no rule looks at any more, and addresses that have no minutes left."""
        since = at - self._longest
        for ip in [*self.minutes]:
            self.minutes[ip] = [one for one in self.minutes[ip] if one.at > since]
            if not self.minutes[ip]:
                del self.minutes[ip]

    def _broken(self, at: int, minutes: Sequence[AddressMinute], crowd: Crowd) -> list[Breach]:
        limits = self.config.addresses
        heavy = limits.hammering_requests / 2
        for one in minutes:
            if one.matters or one.dynamic > heavy or one.ip in self.minutes:
                slim = msgspec.structs.replace(one, failing=(), strange=(), alone=())
                self.minutes.setdefault(one.ip, []).append(slim)
        self._drop()
        return [one for ip in sorted(self.minutes) for one in self._judged(at, ip, crowd)]

    def _scanned(self, minutes: AddressMinutes, judged: Sequence[AddressMinute]) -> list[Breach]:
        """Returns breaches of addresses that scan, and of a scan from many addresses."""
        found, spread = self._scans.step(minutes, judged, self._usual)
        self.dropped += self._scans.dropped
        stay = self.config.incidents.stay
        breaches = [self._scan(one) for one in found if one.points >= stay]
        return [*breaches, *([self._spread(spread)] if spread else [])]

    def _scan(self, one: Scan) -> Breach:
        limit = self.config.incidents.open
        points = min(one.points, CAP)
        breach = _breach(Key(ip=one.ip), SCANNING, points, one.points, limit, one.requests, one.why)
        return breach._replace(holds=one.is_wide)

    def _spread(self, one: Spread) -> Breach:
        limits, incidents = self.config.addresses, self.config.incidents
        what = f"{one.paths:,} hostile or failing new paths from {one.addresses:,} addresses"
        why = f"{what} in {limits.spread_minutes} min"
        surprise = incidents.open if one.is_full else incidents.stay
        return _breach(Key(), SPREAD, surprise, one.paths, one.limit, one.addresses, why)

    def _learn(self, minutes: Sequence[AddressMinute]) -> None:
        """Learns how many requests the busier addresses usually make; quiet ones are forgotten."""
        limits, weight = self.config.addresses, self.config.traffic.level_weight
        now = {one.ip: one.dynamic for one in minutes if one.dynamic >= limits.known_requests}
        for ip in now.keys() | self._usual.keys():
            before = self._usual.get(ip, 0.0)
            after = before + weight * (now.get(ip, 0) - before)
            has_room = before or len(self._usual) < limits.most
            if after >= weight * limits.known_requests / 2 and has_room:
                self._usual[ip] = after
            else:
                self._usual.pop(ip, None)

    def _drop(self) -> None:
        """Drops the addresses with the least weight where there are too many, and counts them."""
        over = len(self.minutes) - self.config.addresses.most
        if over > 0:
            lightest = sorted(self.minutes, key=lambda ip: (self._load(ip), ip))[:over]
            self.dropped += over
            for ip in lightest:
                del self.minutes[ip]

    def _load(self, ip: str) -> int:
        return sum(one.dynamic + one.failed + one.refused for one in self.minutes[ip])

    def _judged(self, at: int, ip: str, crowd: Crowd) -> Iterator[Breach]:
        limits, incidents = self.config.addresses, self.config.incidents
        for name, (minutes, judge) in RULES.items():
            since = at - getattr(limits, minutes)
            seen = summed([m for m in self.minutes[ip] if m.at > since], limits.login_refused)
            seen.usual = self._usual.get(ip, 0.0)
            if part := judge(seen, crowd, limits, limits.stay_part):
                full = judge(seen, crowd, limits, 1.0)
                surprise = incidents.open if full else incidents.stay
                yield _breach(Key(ip=ip), name, surprise, *(full or part))

    def _sprayed(self) -> Iterator[Breach]:
        """Yields breaches of logins that were refused to many addresses."""
        limits, incidents = self.config.addresses, self.config.incidents
        tried: dict[str, set[str]] = {}
        for ip, minutes in self.minutes.items():
            for user in {user for one in minutes for user in one.users}:
                tried.setdefault(user, set()).add(ip)
        for user, ips in sorted(tried.items()):
            if len(ips) >= limits.spraying_addresses * limits.stay_part:
                full = len(ips) >= limits.spraying_addresses
                why = f"refused to {len(ips)} addresses"
                limit = limits.spraying_addresses
                surprise = incidents.open if full else incidents.stay
                key = Key(LOGIN, user)
                yield _breach(key, SPRAYING, surprise, len(ips), limit, len(ips), why)

    def _surged(self, minutes: AddressMinutes) -> Iterator[Breach]:
        """Yields a breach where far more new addresses than usual came, as traffic is judged."""
        at = minutes.at
        fresh = self._fresh.take(at // 1440, minutes.marks)
        is_open = any(direction == SURGE for _, _, direction in self.tracker.open)
        self._surge.state.grow(1)
        warm = np.array([at - self._born >= self.config.addresses.surge_warm_minutes])
        none = np.zeros(1)
        seen = Seen(at, np.array([float(fresh)]), none, none, none, none, warm)
        spikes = self._surge.step(seen, np.array([HOLD if is_open else LEARN]))[0]
        for i in range(len(spikes.rows)):
            seen_now, usual = float(spikes.observed[i]), float(spikes.expected[i])
            why = f"{seen_now:,.0f} new addresses in 5 min, expected {usual:.3g}"
            surprise, limit = float(spikes.surprise[i]), float(spikes.upper[i])
            one = _breach(Key(), SURGE, surprise, seen_now, limit, float(spikes.n[i]), why)
            yield one._replace(holds=bool(spikes.holds[i]), expected=usual)


def exempt(config: Config) -> Networks:
    """Returns the networks whose addresses are not judged."""
    return Networks((*config.addresses.ignore, *config.addresses.trusted_proxies))


def _critical(broken: Sequence[Breach], scanned: Sequence[Breach]) -> Iterator[Breach]:
    """Yields breaches of rules: one weak rule is never critical, two of an address are."""
    opening = [one.key for one in (*broken, *scanned) if one.holds and one.surprise >= 5.0]
    for one in broken:
        yield one._replace(critical=one.critical or opening.count(one.key) > 1)


def _breach(
    key: Key,
    rule: str,
    surprise: float,
    observed: float,
    limit: float,
    n: float,
    why: str,
    strong: bool = False,
) -> Breach:
    return Breach(
        key, MEASURE, rule, surprise, True, strong, observed, limit, 0.0, limit, n, why=why
    )
