"""Folds the lines of closed minutes, in event-time order, into incidents of patterns. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from anomaly.engine.columns import Array, Bools, Column, Columns, Field, Floats, Ints
from anomaly.engine.config import Config
from anomaly.engine.detector import HOLD, LEARN, SPAN, Judged, Seen, push
from anomaly.engine.detectors.traffic import Traffic
from anomaly.engine.incident import PATTERN, Incident
from anomaly.engine.minute import Key
from anomaly.engine.surprise import CAP
from anomaly.engine.tracker import Breach, Tracked, Tracker
from anomaly.patterns import templates
from anomaly.patterns.minute import FREQUENT, NEW, PatternMinute
from anomaly.patterns.templates import Templates

HOUR, DAY, DAYS = 60, 1440, 8
# A sum of five minutes counts as usual once it is so many minutes old, so that a rise does not hide
# the rest of it.
LAG = 15
NEVER = -1


class State(msgspec.Struct, frozen=True):
    """The whole state of the patterns, for a snapshot."""

    config: str
    folded_to: int
    day: int
    refused: int
    templates: templates.State
    lines: dict[str, Column]
    usual: dict[str, Column]
    open: list[Tracked]
    closed: list[Tracked]


class Patterns:
    """Judges each pattern of a service: whether it is new, or far more frequent than in a week.

    `refused` counts the lines that are of no pattern, as a service has too many.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.folded_to, self._day = config, NEVER, NEVER
        self.tracker = Tracker(config)
        self._templates, self._traffic = Templates(config.patterns), Traffic(config)
        # `peaks` has the most lines in five minutes of each of the last days, by number of the day
        self._usual = Columns(peaks=Field(width=DAYS), last=Field(np.nan, width=LAG))

    @property
    def refused(self) -> int:
        """How many lines were of no pattern."""
        return self._templates.refused

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return [tracked.incident for tracked in self.tracker.open.values()]

    def fold(self, minute: PatternMinute) -> list[Incident]:
        """Folds a closed minute; returns the incidents that opened, escalated or closed by it.

        Minutes without lines before it count as such, at most an hour of them.
        """
        if minute.at <= self.folded_to:
            return []
        missing = range(self.folded_to + 1, minute.at) if self.folded_to != NEVER else range(0)
        empty = (PatternMinute(at, ()) for at in missing[:HOUR])
        return [change for each in (*empty, minute) for change in self._step(each)]

    def dump(self) -> State:
        """Returns the whole state, for a snapshot."""
        return State(
            self.config.hash,
            self.folded_to,
            self._day,
            self.refused,
            self._templates.dump(),
            self._traffic.state.dump(),
            self._usual.dump(),
            *self.tracker.dump(),
        )

    @classmethod
    def load(cls, config: Config, kept: State) -> Patterns:
        """Returns a fold that continues from a snapshot."""
        one = cls(config)
        one.folded_to, one._day, one._templates.refused = kept.folded_to, kept.day, kept.refused
        one._templates.load(kept.templates)
        one._traffic.state.load(kept.lines)
        one._usual.load(kept.usual)
        one.tracker.load(kept.open, kept.closed)
        return one

    def _step(self, minute: PatternMinute) -> Iterator[Incident]:
        at, self.folded_to = minute.at, minute.at
        lines = self._templates.take(at, minute.each)
        if not len(lines):
            return
        self._traffic.state.grow(len(lines))
        self._usual.grow(len(lines))
        learning = self._learning()
        spikes = self._traffic.step(self._seen(at, lines), learning)[0]
        total = self._traffic.totals()
        for breach in [*self._new(at, total), *self._frequent(at, spikes)]:
            if change := self.tracker.breach(at, breach):
                yield change
        self._learn(at, total, learning)
        for ended, is_new_level in self.tracker.end(at):
            if is_new_level:
                self._take_as_usual(at, ended.key, total)
            yield ended.incident
        self._forget(at)

    def _seen(self, at: int, lines: Ints) -> Seen:
        none = np.zeros(len(lines))
        warm = at - self._templates.state["born"] >= self.config.patterns.warm_minutes
        return Seen(at, lines.astype(float), none, none, none, none, warm)

    def _learning(self) -> Array:
        """Returns how each row learns: little while it has an incident."""
        learning = np.full(len(self._templates), LEARN, "u1")
        for row in self._open_rows():
            learning[row] = HOLD
        return learning

    def _open_rows(self) -> Iterator[int]:
        named = {(key.service, key.group) for key, *_ in self.tracker.open}
        if not named:
            return
        each = zip(self._templates.service_of, self._templates.name_of, strict=True)
        yield from (row for row, name in enumerate(each) if name in named)

    def _new(self, at: int, total: Floats) -> Iterator[Breach]:
        """Yields breaches of patterns that came a while ago, and of those told as new before."""
        limits, state = self.config.patterns, self._templates.state
        half = total >= limits.new_lines * self.config.addresses.stay_part
        rows = np.flatnonzero((at - state["born"] < limits.new_minutes) & half)
        known = self._templates.known_for(rows) >= limits.warm_minutes
        is_severe = 2 * state["severe"][rows] >= state["lines"][rows]
        for row in rows[known & is_severe].tolist():
            is_full = total[row] >= limits.new_lines
            is_first = not self._templates.name_of[row]
            if is_first and not (is_full and self._may_tell(at, row)):
                continue
            breach = self._breach(row, NEW, float(total[row]), is_full)
            age = at - int(state["born"][row])
            why = f"{total[row]:,.0f} lines in 5 min, the first one {age} min ago"
            limit = limits.new_lines
            yield breach._replace(holds=is_first, expected=limit, upper=limit, why=why)

    def _may_tell(self, at: int, row: int) -> bool:
        """Whether a service may tell of one more new pattern; if not, this one is known now."""
        limits = self.config.patterns
        service = self._templates.services[self._templates.service_of[row]]
        service.announced = [was for was in service.announced if at - was < DAY]
        in_hour = sum(at - was < HOUR for was in service.announced)
        if in_hour < limits.new_an_hour and len(service.announced) < limits.new_a_day:
            service.announced.append(at)
            return True
        self._templates.name(row)
        return False

    def _frequent(self, at: int, spikes: Judged) -> Iterator[Breach]:
        """Yields breaches of patterns that have more lines than in any five minutes of a week."""
        limits, levels = self.config.patterns, self.config.levels
        peaks = self._usual["peaks"].max(axis=1)
        for i, row in enumerate(spikes.rows.tolist()):
            seen, peak = float(spikes.observed[i]), float(peaks[row])
            holds = bool(spikes.holds[i]) and seen >= limits.frequent_lines
            holds &= seen >= limits.frequent_times * peak
            most = CAP if self._is_error(row) else levels.critical - 0.1
            surprise = min(float(spikes.surprise[i]), most)
            is_named = bool(self._templates.name_of[row])
            if surprise < self.config.incidents.stay or not (holds or is_named):
                continue
            expected, upper = float(spikes.expected[i]), float(spikes.upper[i])
            usual = f"expected {expected:,.3g}, at most {peak:,.0f} in the last week"
            yield self._breach(row, FREQUENT, seen, holds)._replace(
                surprise=surprise,
                expected=expected,
                lower=float(spikes.lower[i]),
                upper=upper,
                why=f"{seen:,.0f} lines in 5 min, {usual}",
            )

    def _is_error(self, row: int) -> bool:
        state = self._templates.state
        return bool(2 * state["errors"][row] >= state["lines"][row])

    def _breach(self, row: int, direction: str, seen: float, is_full: bool) -> Breach:
        """Returns a breach that opens an incident or, unless it is full, keeps one open."""
        incidents = self.config.incidents
        return Breach(
            key=Key(self._templates.service_of[row], group=self._templates.name(row)),
            measure=PATTERN,
            direction=direction,
            surprise=incidents.open if is_full else incidents.stay,
            holds=is_full,
            critical=False,
            observed=seen,
            expected=0.0,
            lower=0.0,
            upper=0.0,
            n=float(SPAN),
        )

    def _learn(self, at: int, total: Floats, learning: Array) -> None:
        """Takes sums that are old enough into the peaks of the day, but none of incidents."""
        old = push(self._usual["last"], np.where(learning == HOLD, np.nan, total))
        peaks, day = self._usual["peaks"], at // DAY
        for passed in range(max(self._day + 1, day - DAYS + 1), day + 1):
            peaks[:, passed % DAYS] = 0.0
        self._day = day
        np.maximum(peaks[:, day % DAYS], np.nan_to_num(old), out=peaks[:, day % DAYS])

    def _take_as_usual(self, at: int, key: Key, total: Floats) -> None:
        """Takes what a pattern is at now as its peak: it stayed there."""
        each = zip(self._templates.service_of, self._templates.name_of, strict=True)
        rows = [row for row, name in enumerate(each) if name == (key.service, key.group)]
        self._usual["peaks"][rows, at // DAY % DAYS] = total[rows]

    def _forget(self, at: int) -> None:
        gone: Bools = self._templates.surplus(at)
        if gone.any():
            self._templates.keep(~gone)
            self._traffic.state.keep(~gone)
            self._usual.keep(~gone)
