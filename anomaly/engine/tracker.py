"""The life of incidents: open, stay, escalate, close, open again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

import msgspec

from anomaly.engine.config import Config
from anomaly.engine.incident import (
    CLOSED,
    OPEN,
    SEVERITIES,
    Incident,
    Share,
    incident_id,
    moment,
    retold,
)
from anomaly.engine.minute import Key

AGAIN, NEW_LEVEL = "opened again", "new level"
MARKS = (AGAIN, NEW_LEVEL)


class Breach(NamedTuple):
    """One key that surprised in a minute, by one measure in one direction."""

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

    @property
    def name(self) -> tuple[Key, str, str]:
        """What can have one incident at a time."""
        return self.key, self.measure, self.direction

    @property
    def is_usual(self) -> bool:
        """Whether this much (or little) is what this hour of the week has seen before."""
        if self.usual is None:
            return False
        up = self.direction == "up"
        return self.observed <= self.usual[1] if up else self.observed >= self.usual[0]


class Case(msgspec.Struct):
    """An incident on the books, with the minutes that its life goes by."""

    key: Key
    incident: Incident
    since: int
    last: int
    ended: int = 0

    @property
    def name(self) -> tuple[Key, str, str]:
        """What it is on the books under."""
        return self.key, self.incident.measure, self.incident.direction


class Book(msgspec.Struct):
    """Open cases, and closed ones that may open again; each change is handed out once."""

    config: Config
    open: dict[tuple[Key, str, str], Case] = {}
    closed: dict[tuple[Key, str, str], Case] = {}

    def breach(self, at: int, one: Breach) -> Incident | None:
        """Take one breach; what changed, if anything that a row tells."""
        limits, case = self.config.incidents, self.open.get(one.name)
        if one.surprise < limits.stay:
            return None
        if case:
            return self._stay(at, case, one)
        if one.surprise < limits.open or not one.holds:
            return None
        return self._reopen(at, one) or self._open(at, one)

    def end(self, at: int) -> Iterator[tuple[Case, bool]]:
        """Close what is over at the end of a minute; True where it is the new level."""
        limits = self.config.incidents
        for name, case in [*self.open.items()]:
            fresh = at == case.last and at - case.since >= limits.new_level_minutes
            if fresh or at - case.last >= limits.close_minutes:
                self._close(at, name, case, NEW_LEVEL if fresh else "")
                yield case, fresh
        for name, case in [*self.closed.items()]:
            if at - case.ended > limits.reopen_minutes:
                del self.closed[name]

    def explain(self, name: tuple[Key, str, str], shares: list[Share]) -> Incident:
        """Add who made it; returns the row."""
        case = self.open[name]
        case.incident = retold(case.incident, contributors=shares)
        return case.incident

    def dump(self) -> tuple[list[Case], list[Case]]:
        """Copies of all cases, open and closed."""
        copied = ([*map(copy, held.values())] for held in self._both())
        return next(copied), next(copied)

    def load(self, opened: list[Case], closed: list[Case]) -> None:
        """Take copies of these cases in place of those held."""
        for held, cases in zip(self._both(), (opened, closed), strict=True):
            held.clear()
            held.update({one.name: copy(one) for one in cases})

    def _both(self) -> tuple[dict[tuple[Key, str, str], Case], dict[tuple[Key, str, str], Case]]:
        return self.open, self.closed

    def _open(self, at: int, one: Breach) -> Incident:
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
            opened=moment(at),
            last_breach=moment(at),
            duration_minutes=1,
            surprise_opened=round(one.surprise, 3),
            parent=self._parent(one),
            config=self.config.hash,
            contributors=[],
            **self._numbers(at, one),
        )
        self.open[one.name] = case = Case(one.key, retold(incident), at, at)
        return case.incident

    def _stay(self, at: int, case: Case, one: Breach) -> Incident | None:
        before, case.last = case.incident, at
        worst = self._worse(one, before)
        severity = max(before.severity, self._severity(one), key=SEVERITIES.index)
        if worst or severity != before.severity:
            numbers = self._numbers(at, one)
            numbers["surprise_peak"] = max(before.surprise_peak, round(one.surprise, 3))
            numbers["reasons"] = [*_reasons(one), *(r for r in before.reasons if r in MARKS)]
            case.incident = retold(before, **{**numbers, "severity": severity})
        case.incident = _at(case.incident, at)
        return case.incident if severity != before.severity else None

    def _worse(self, one: Breach, before: Incident) -> bool:
        """More surprising; where that is at its cap, further from the expected."""
        ratio = _rounded(one.observed / max(one.expected, 1e-9))
        further = ratio > before.ratio if one.direction == "up" else ratio < before.ratio
        return (round(one.surprise, 3), further) > (before.surprise_peak, False)

    def _reopen(self, at: int, one: Breach) -> Incident | None:
        case = self.closed.pop(one.name, None)
        if case is None or at - case.ended > self.config.incidents.reopen_minutes:
            return None
        case.since, self.open[one.name] = at, case
        again = list(dict.fromkeys([*case.incident.reasons, AGAIN]))
        case.incident = retold(case.incident, status=OPEN, closed=None, reasons=again)
        self._stay(at, case, one)
        return case.incident

    def _close(self, at: int, name: tuple[Key, str, str], case: Case, why: str) -> None:
        reasons = [*case.incident.reasons, *([why] if why else [])]
        ended = retold(case.incident, status=CLOSED, closed=moment(at), reasons=reasons)
        case.incident = msgspec.structs.replace(ended, folded_to=moment(at))
        case.ended = at
        self.closed[name] = self.open.pop(name)

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
            "folded_to": moment(at),
        }

    def _severity(self, one: Breach) -> str:
        levels = self.config.levels
        rank = (one.surprise >= levels.warning) + (one.surprise >= levels.critical or one.critical)
        return SEVERITIES[max(min(rank, 2) - one.is_usual, 0)]

    def _parent(self, one: Breach) -> str:
        for wider in one.key.parents:
            if case := self.open.get((wider, one.measure, one.direction)):
                return case.incident.incident_id
        return ""


def _at(incident: Incident, at: int) -> Incident:
    minutes = int((moment(at) - incident.opened).total_seconds()) // 60 + 1
    return msgspec.structs.replace(
        incident, last_breach=moment(at), duration_minutes=minutes, folded_to=moment(at)
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
