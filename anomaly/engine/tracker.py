"""Tracks incidents: they open, stay open, escalate, close and open again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

import msgspec

from anomaly.engine.config import Config
from anomaly.engine.incident import Incident, incident_id, start_of, with_sentence
from anomaly.engine.minute import Key
from lakehouse.tables.incidents import CLOSED, OPEN, SEVERITIES, Share

Identity = tuple[Key, str, str]
AGAIN, NEW_LEVEL = "opened again", "new level"
MARKS = (AGAIN, NEW_LEVEL)


class Breach(NamedTuple):
    """A key whose minute was surprising, by one measure in one direction."""

    key: Key
    measure: str
    direction: str
    surprise: float
    holds: bool
    critical: bool
    observed: float
    expected: float
    lower: float
    upper: float
    n: float
    usual: tuple[float, float] | None = None
    usual_when: str = ""
    why: str = ""
    detector: str = ""

    @property
    def identity(self) -> Identity:
        """Key, measure and direction; each such combination has at most one open incident."""
        return self.key, self.measure, self.direction

    @property
    def is_usual(self) -> bool:
        """Whether this hour of the week has seen so much (or so little) before."""
        if self.usual is None:
            return False
        up = self.direction == "up"
        return self.observed <= self.usual[1] if up else self.observed >= self.usual[0]


class Tracked(msgspec.Struct):
    """An incident with its times in minutes since the epoch.

    It opened, or opened again, at `since`; its last breach was at `last`; it closed at `ended` (0:
    it is open). `detector` is the one whose numbers the incident has.
    """

    key: Key
    incident: Incident
    since: int
    last: int
    ended: int = 0
    detector: str = ""

    @property
    def identity(self) -> Identity:
        """Key, measure and direction."""
        return self.key, self.incident.measure, self.incident.direction


class Tracker(msgspec.Struct):
    """Keeps the open incidents, and closed ones that may open again."""

    config: Config
    open: dict[Identity, Tracked] = {}
    closed: dict[Identity, Tracked] = {}

    def opens(self, one: Breach) -> bool:
        """Whether a breach opens an incident, perhaps again."""
        is_new = one.identity not in self.open and one.holds
        return is_new and one.surprise >= max(
            self.config.incidents.open, self.config.incidents.stay
        )

    def breach(self, at: int, one: Breach, parent: str = "") -> Incident | None:
        """Takes one breach. Returns the incident if it opened, opened again or escalated by it.

        A new one is part of `parent`, unless that is empty.
        """
        limits, tracked = self.config.incidents, self.open.get(one.identity)
        if one.surprise < limits.stay:
            return None
        if tracked:
            return self._stay(at, tracked, one)
        if one.surprise < limits.open or not one.holds:
            return None
        return self._reopen(at, one) or self._open(at, one, parent)

    def escalate(self, incident_id: str, severity: str) -> Incident | None:
        """Raises an open incident to the severity of a part. Returns it if that changed it."""
        for tracked in self.open.values():
            before = tracked.incident
            if before.incident_id == incident_id:
                if SEVERITIES.index(severity) <= SEVERITIES.index(before.severity):
                    return None
                tracked.incident = with_sentence(before, severity=severity)
                return tracked.incident
        return None

    def end(self, at: int) -> Iterator[tuple[Tracked, bool]]:
        """Closes what is over at the end of a minute.

        Yields each closed incident; True goes with it if its level is the new baseline.
        """
        limits = self.config.incidents
        for identity, tracked in [*self.open.items()]:
            fresh = at == tracked.last and at - tracked.since >= limits.new_level_minutes
            if fresh or at - tracked.last >= limits.close_minutes:
                self._close(at, identity, tracked, NEW_LEVEL if fresh else "")
                yield tracked, fresh
        for identity, tracked in [*self.closed.items()]:
            if at - tracked.ended > limits.reopen_minutes:
                del self.closed[identity]

    def set_contributors(self, identity: Identity, shares: list[Share]) -> Incident:
        """Sets the contributors of an open incident, and returns it."""
        tracked = self.open[identity]
        tracked.incident = with_sentence(tracked.incident, contributors=shares)
        return tracked.incident

    def detector_of(self, incident_id: str) -> str:
        """Returns the detector whose numbers an incident has; empty where it is no longer kept."""
        kept = (*self.open.values(), *self.closed.values())
        same = (one.detector for one in kept if one.incident.incident_id == incident_id)
        return next(same, "")

    def dump(self) -> tuple[list[Tracked], list[Tracked]]:
        """Returns copies of the open and of the closed incidents."""
        copied = ([*map(copy, kept.values())] for kept in self._both())
        return next(copied), next(copied)

    def load(self, opened: list[Tracked], closed: list[Tracked]) -> None:
        """Replaces all incidents by copies of these."""
        for kept, incidents in zip(self._both(), (opened, closed), strict=True):
            kept.clear()
            kept.update({one.identity: copy(one) for one in incidents})

    def _both(
        self,
    ) -> tuple[dict[Identity, Tracked], dict[Identity, Tracked]]:
        return self.open, self.closed

    def _open(self, at: int, one: Breach, parent: str) -> Incident:
        incident = Incident(
            incident_id=incident_id(one.key, one.measure, one.direction, at),
            status=OPEN,
            scope=one.key.scope,
            key=str(one.key),
            service=one.key.service,
            endpoint=one.key.endpoint,
            ip=one.key.ip,
            measure=one.measure,
            direction=one.direction,
            opened=start_of(at),
            last_breach=start_of(at),
            duration_minutes=1,
            surprise_opened=round(one.surprise, 3),
            parent=parent,
            config=self.config.hash,
            contributors=[],
            **self._numbers(at, one),
        )
        self.open[one.identity] = tracked = Tracked(
            one.key, with_sentence(incident), at, at, detector=one.detector
        )
        return tracked.incident

    def _stay(self, at: int, tracked: Tracked, one: Breach) -> Incident | None:
        before, tracked.last = tracked.incident, at
        worst = self._worse(one, before)
        severity = max(before.severity, self._severity(one), key=SEVERITIES.index)
        if worst or severity != before.severity:
            tracked.detector = one.detector
            numbers = self._numbers(at, one)
            numbers["surprise_peak"] = max(before.surprise_peak, round(one.surprise, 3))
            numbers["reasons"] = [*_reasons(one), *(r for r in before.reasons if r in MARKS)]
            tracked.incident = with_sentence(before, **{**numbers, "severity": severity})
        tracked.incident = _at(tracked.incident, at)
        return tracked.incident if severity != before.severity else None

    def _worse(self, one: Breach, before: Incident) -> bool:
        """Whether a breach is more surprising or, at the cap, further from the expected."""
        ratio = _rounded(one.observed / max(one.expected, 1e-9))
        further = ratio > before.ratio if one.direction == "up" else ratio < before.ratio
        return (round(one.surprise, 3), further) > (before.surprise_peak, False)

    def _reopen(self, at: int, one: Breach) -> Incident | None:
        tracked = self.closed.pop(one.identity, None)
        if tracked is None or at - tracked.ended > self.config.incidents.reopen_minutes:
            return None
        tracked.since, self.open[one.identity] = at, tracked
        reasons = list(dict.fromkeys([*tracked.incident.reasons, AGAIN]))
        tracked.incident = with_sentence(
            tracked.incident, status=OPEN, closed=None, reasons=reasons
        )
        self._stay(at, tracked, one)
        return tracked.incident

    def _close(self, at: int, identity: Identity, tracked: Tracked, why: str) -> None:
        reasons = [*tracked.incident.reasons, *([why] if why else [])]
        ended = with_sentence(tracked.incident, status=CLOSED, closed=start_of(at), reasons=reasons)
        tracked.incident = msgspec.structs.replace(ended, folded_to=start_of(at))
        tracked.ended = at
        self.closed[identity] = self.open.pop(identity)

    def _numbers(self, at: int, one: Breach) -> dict[str, Any]:
        usual = one.usual or (None, None)
        return {
            "observed": _rounded(one.observed),
            "expected": _rounded(one.expected),
            "lower": _rounded(one.lower),
            "upper": _rounded(one.upper),
            "ratio": _rounded(one.observed / max(one.expected, 1e-9)),
            "n": _rounded(one.n),
            "surprise_peak": round(one.surprise, 3),
            "severity": self._severity(one),
            "usual_when": one.usual_when if one.usual else "",
            "usual_lower": usual[0] and _rounded(usual[0]),
            "usual_upper": usual[1] and _rounded(usual[1]),
            "reasons": _reasons(one),
            "folded_to": start_of(at),
        }

    def _severity(self, one: Breach) -> str:
        levels = self.config.levels
        rank = (one.surprise >= levels.warning) + (one.surprise >= levels.critical or one.critical)
        return SEVERITIES[max(min(rank, 2) - one.is_usual, 0)]


def _at(incident: Incident, at: int) -> Incident:
    minutes = int((start_of(at) - incident.opened).total_seconds()) // 60 + 1
    return msgspec.structs.replace(
        incident, last_breach=start_of(at), duration_minutes=minutes, folded_to=start_of(at)
    )


def _reasons(one: Breach) -> list[str]:
    if one.why:
        return [one.why, *(["beyond the critical limit"] if one.critical else [])]
    reasons = [f"{one.measure} {one.direction}, surprise {one.surprise:.1f}"]
    if one.critical:
        reasons.append("nothing for minutes" if one.observed == 0 else "beyond the critical limit")
    if one.is_usual:
        reasons.append(f"usual for {one.usual_when}")
    return reasons


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
