"""Judges scans: of single addresses by their evidence, and one that comes from many. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from anomaly.addresses.fresh import Fresh
from anomaly.addresses.minute import AddressMinute, AddressMinutes
from anomaly.addresses.suspect import Counts, Evidence, Suspect
from anomaly.engine.config import Config

# Evidence of fewer points is not worth a word.
_LEAST_POINTS = 0.4
# What says it is a crawler has to give more: they follow every broken link. Anybody may say so.
_CRAWLER_PART = 0.5
# Of the paths and addresses of one minute of a spread scan, at most so many are kept.
_MOST_KEPT = 2_000
# Weight of a minute in what is usual; minutes until it is known.
_USUAL_WEIGHT, _KNOWN_MINUTES = 1 / 60, 60


class Scan(msgspec.Struct, frozen=True):
    """An address with its points, and what they are for."""

    ip: str
    points: float
    requests: float
    why: str
    is_wide: bool


class Spread(msgspec.Struct, frozen=True):
    """Different unusual paths from addresses that are no scanners by themselves."""

    paths: int
    limit: float
    addresses: int
    is_full: bool


class State(msgspec.Struct, frozen=True):
    """The whole state, for a snapshot."""

    born: int
    at: int
    suspects: dict[str, Suspect]
    others: Counts
    asked: tuple[int, bytes, bytes]
    unusual: list[tuple[int, list[int], list[int], list[str]]]
    usual: float


class Scans:
    """Keeps a suspect for each address with evidence, at most `addresses.most` of them.

    `dropped` counts those for which there was no room in the last minute.
    """

    def __init__(self, config: Config) -> None:
        self._limits, self._stay = config.addresses, config.incidents.stay
        self._born = self._at = -1
        self._suspects: dict[str, Suspect] = {}
        self._others, self._asked = Counts(), Fresh()
        # (minute, hostile paths, new failing paths, addresses)
        self._unusual: list[tuple[int, list[int], list[int], list[str]]] = []
        self._usual = 0.0
        self.dropped = 0

    def step(
        self, minutes: AddressMinutes, judged: Sequence[AddressMinute], usual: Mapping[str, float]
    ) -> tuple[list[Scan], Spread | None]:
        """Takes a minute. Returns the addresses with evidence, in order, and a scan from many."""
        at, limits = minutes.at, self._limits
        self._others.fade(at - self._at if self._at >= 0 else 0)
        self._born, self._at = at if self._born < 0 else self._born, at
        self._others.add(minutes.crowd)
        is_new = self._asked.unknown(at // 1440, minutes.paths)
        new = {int(path) for path in minutes.paths[is_new]}
        found: list[Scan] = []
        for one in judged:
            if suspect := self._suspect(one, new):
                found.append(self._scan(one, suspect, minutes, usual.get(one.ip, 0.0)))
        named = {one.ip for one in found if one.points >= self._stay}
        for one in judged:
            if one.ip in named:
                self._others.add(one, -1.0)
        self._forget(at)
        spread = self._spread(at, [one for one in judged if one.ip not in named], new)
        return [
            one for one in found if self._is_recent(one.ip, at, limits.scanning_minutes)
        ], spread

    def dump(self) -> State:
        """Returns the whole state, for a snapshot."""
        return State(
            self._born,
            self._at,
            self._suspects,
            self._others,
            self._asked.dump(),
            self._unusual,
            self._usual,
        )

    def load(self, kept: State) -> None:
        """Continues from a snapshot of its own."""
        self._born, self._at = kept.born, kept.at
        self._suspects, self._others = kept.suspects, kept.others
        self._asked.load(*kept.asked)
        self._unusual, self._usual = kept.unusual, kept.usual

    def _suspect(self, one: AddressMinute, new: set[int]) -> Suspect | None:
        """Returns the suspect of an address with this minute added; None without evidence."""
        alone = tuple(path for path in one.alone if path in new)
        suspect = self._suspects.get(one.ip)
        if suspect is None:
            if not one.is_suspect and len(alone) <= self._limits.alone_leak:
                return None
            suspect = self._suspects[one.ip] = Suspect(one.at)
        suspect.take(msgspec.structs.replace(one, alone=alone), self._limits)
        return suspect

    def _scan(
        self, one: AddressMinute, suspect: Suspect, minutes: AddressMinutes, usual: float
    ) -> Scan:
        others = self._others.without(one)
        each = suspect.evidence(one, others, minutes.crowd, usual, self._limits)
        seen = [evidence for evidence in each if evidence.points >= _LEAST_POINTS]
        part = _CRAWLER_PART if 2 * one.crawls >= one.requests else 1.0
        points = round(part * sum(evidence.points for evidence in seen), 3)
        why = ", ".join(evidence.words for evidence in sorted(seen, key=_weight))
        is_wide = suspect.is_wide(one.at, self._limits)
        return Scan(one.ip, points, round(suspect.counts.requests), why, is_wide)

    def _is_recent(self, ip: str, at: int, minutes: int) -> bool:
        suspect = self._suspects.get(ip)
        return suspect is not None and 0 <= at - suspect.last < minutes

    def _forget(self, at: int) -> None:
        """Drops suspects whose evidence is over and, where there are too many, the least ones."""
        limits = self._limits
        for ip in [ip for ip, one in self._suspects.items() if one.is_over(at, limits)]:
            del self._suspects[ip]
        self.dropped = over = max(len(self._suspects) - limits.most, 0)
        if over:
            least = sorted(self._suspects, key=lambda ip: (_load(self._suspects[ip]), ip))[:over]
            for ip in least:
                del self._suspects[ip]

    def _spread(self, at: int, each: Sequence[AddressMinute], new: set[int]) -> Spread | None:
        """Judges the unusual paths of the last minutes; at first only hostile ones count."""
        limits = self._limits
        self._unusual = [one for one in self._unusual if at - one[0] < limits.spread_minutes]
        self._keep(at, each, new)
        known = at - self._born >= _KNOWN_MINUTES
        paths = {path for one in self._unusual for path in (*one[1], *(one[2] if known else ()))}
        ips = {ip for one in self._unusual for ip in one[3]}
        limit = max(float(limits.spread_paths), limits.spread_times * self._usual)
        is_full = len(paths) >= limit and len(ips) >= limits.spread_addresses
        part = limits.stay_part
        stays = len(paths) >= part * limit and len(ips) >= part * limits.spread_addresses
        if not is_full:
            self._usual += _USUAL_WEIGHT * (len(paths) - self._usual)
        return Spread(len(paths), limit, len(ips), is_full) if stays else None

    def _keep(self, at: int, each: Sequence[AddressMinute], new: set[int]) -> None:
        strange = {path for one in each for path in one.strange}
        failing = {path for one in each for path in one.failing if path in new} - strange
        unusual = strange | failing
        ips = [one.ip for one in each if unusual.intersection((*one.strange, *one.failing))]
        if unusual:
            kept = sorted(strange)[:_MOST_KEPT], sorted(failing)[:_MOST_KEPT]
            self._unusual.append((at, *kept, sorted(ips)[:_MOST_KEPT]))


def _weight(one: Evidence) -> float:
    return -one.points


def _load(one: Suspect) -> float:
    return one.failing + 2 * one.hostile + one.alone / 10
