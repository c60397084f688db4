"""Folds what a rule counts, minute by minute in event-time order, into incidents. Pure.

It is one function of the minutes for live detection, for history and for `logpond rule try`: where
it is stopped, and how minutes come together, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np

from anomaly.engine.columns import Bools
from anomaly.engine.config import Config, Incidents
from anomaly.engine.detector import UP
from anomaly.engine.incident import Incident, with_sentence
from anomaly.engine.minute import Key
from anomaly.engine.tracker import Breach, Tracked, Tracker
from anomaly.rules.condition import Verdict
from anomaly.rules.rule import Rule
from anomaly.rules.tally import Group, Tallies, width
from anomaly.rules.window import Counted, Window

# An incident of a rule closes after so many minutes in which its condition does not hold; when it
# holds again so soon after that, the incident opens again.
CLOSE_MINUTES, REOPEN_MINUTES = 5, 15
# A silent group is forgotten after so many minutes: it was taken away.
FORGET_MINUTES = 7 * 1440
# Beyond so many groups further ones are not judged, and no more than so many incidents are open.
MOST_GROUPS, MOST_CELLS, MOST_OPEN = 10_000, 8_000_000, 100
NEVER = -1
CONSTANTS = Config(
    incidents=Incidents(
        open=0.0,
        stay=0.0,
        close_minutes=CLOSE_MINUTES,
        reopen_minutes=REOPEN_MINUTES,
        new_level_minutes=2**40,
    )
)


class State(msgspec.Struct, frozen=True):
    """The whole state of a rule, for a snapshot; valid for this very rule only."""

    rule: str
    first: int
    folded_to: int
    refused: int
    groups: list[Group]
    born: list[int]
    seen: list[int]
    minutes: list[tuple[int, bytes, bytes, bytes]]
    open: list[Tracked]
    closed: list[Tracked]


class RuleFold:
    """Keeps the sums of the windows of a rule by group, and its incidents.

    `refused` counts the times that a group was not judged as there were too many.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule, self.folded_to, self.refused = rule, NEVER, 0
        self.tracker = Tracker(CONSTANTS)
        self.condition = rule.condition
        slots = width(self.condition.slots)
        self._windows = [Window(minutes, slots) for minutes in self.condition.windows]
        self._most = max(1, min(MOST_GROUPS, MOST_CELLS // slots))
        self._row_of: dict[Group, int] = {}
        self._born, self._seen = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._first = NEVER
        # of the groups that are counted now: the row of each, -1 where it has none yet
        self._place = np.zeros(0, np.int64)

    def fold(self, counted: Tallies, first: int, end: int) -> Iterator[Incident]:
        """Folds the minutes from `first` up to, but without, `end`; yields what changed.

        Those that were folded change nothing.
        """
        at = max(first, self.folded_to + 1)
        if at >= end:
            return
        if self._first == NEVER:
            self._begin(at)
        self._place = np.full(len(counted.groups), NEVER, np.int64)
        bounds = np.flatnonzero(np.diff(counted.at, prepend=-1, append=-1))
        for low, high in pairwise(bounds):
            minute = int(counted.at[low])
            if minute < at or minute >= end:
                continue
            yield from self._quiet(at, minute)
            yield from self._step(minute, self._added(minute, counted, slice(low, high)))
            at = minute + 1
        yield from self._quiet(at, end)
        self.folded_to = end - 1

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return [tracked.incident for tracked in self.tracker.open.values()]

    @property
    def groups(self) -> list[Group]:
        """The groups that are known, in the order of their rows."""
        return [*self._row_of]

    def seen(self, group: Group) -> tuple[float, float]:
        """Returns the value of a group after the last minute, and its rows."""
        row = self._row_of.get(group)
        if row is None:
            return 0.0, 0.0
        found = self._judge()
        return float(found.value[row]), float(found.n[row])

    def dump(self) -> State:
        """Returns the whole state, for a snapshot."""
        minutes = [
            (one.at, one.row.tobytes(), one.slot.tobytes(), one.n.tobytes())
            for one in self._windows[0].last
        ]
        return State(
            self.rule.hash,
            self._first,
            self.folded_to,
            self.refused,
            self.groups,
            self._born.tolist(),
            self._seen.tolist(),
            minutes,
            *self.tracker.dump(),
        )

    @classmethod
    def load(cls, rule: Rule, kept: State) -> RuleFold:
        """Returns a fold that goes on from a snapshot. Raises ValueError for one of another."""
        if kept.rule != rule.hash:
            raise ValueError(f"the state is of rule {kept.rule}, not {rule.hash}")
        one = cls(rule)
        one._first, one.folded_to, one.refused = kept.first, kept.folded_to, kept.refused
        one._row_of = {tuple(group): row for row, group in enumerate(kept.groups)}
        one._born, one._seen = (np.array(each, np.int64) for each in (kept.born, kept.seen))
        for window in one._windows:
            window.grow(len(kept.groups))
            for at, *parts in kept.minutes:
                window.push(at, Counted(at, *(np.frombuffer(part, np.int64) for part in parts)))
            window.push(kept.folded_to, None)
        one.tracker.load(kept.open, kept.closed)
        return one

    def _begin(self, at: int) -> None:
        self._first = at
        if self.condition.remembers and not self.rule.by:
            self._rows(at, [()])

    def _quiet(self, at: int, end: int) -> Iterator[Incident]:
        """Folds minutes without a row; where nothing is left to judge, the rest is passed over."""
        for minute in range(at, end):
            if not self._row_of and not self.tracker.open:
                return
            yield from self._step(minute, None)

    def _added(self, at: int, counted: Tallies, these: slice) -> Counted | None:
        numbers = counted.group[these]
        rows = self._place[numbers]
        if rows.min() < 0:
            new = np.unique(numbers[rows < 0])
            self._place[new] = self._rows(at, [counted.groups[number] for number in new])
            rows = self._place[numbers]
        kept = rows >= 0
        self._seen[rows[kept]] = at
        if kept.all():
            return Counted(at, rows, counted.slot[these], counted.n[these])
        self.refused += len(np.unique(numbers[~kept]))
        return Counted(at, rows[kept], counted.slot[these][kept], counted.n[these][kept])

    def _rows(self, at: int, groups: list[Group]) -> list[int]:
        """Returns the rows of groups, new ones in sorted order; -1 where there is no room."""
        fresh = sorted(group for group in groups if group not in self._row_of)
        for group in fresh[: self._most - len(self._row_of)]:
            self._row_of[group] = len(self._row_of)
        new = np.full(len(self._row_of) - len(self._born), at, np.int64)
        self._born, self._seen = (np.append(one, new) for one in (self._born, self._seen))
        for window in self._windows:
            window.grow(len(self._row_of))
        return [self._row_of.get(group, NEVER) for group in groups]

    def _step(self, at: int, added: Counted | None) -> Iterator[Incident]:
        for window in self._windows:
            window.push(at, added)
        found = self._judge()
        fires = found.fires & (found.n >= self.rule.table.at_least)
        if self.condition.remembers:
            # a group is silent once it was known for a whole window
            fires = found.fires & (at - self._born + 1 >= self.condition.longest)
        rows = np.flatnonzero(fires)
        if len(rows):
            groups = [*self._row_of]
            for row in rows:
                one = self._breach(groups[row], float(found.value[row]), float(found.n[row]))
                yield from self._track(at, groups[row], one)
        if self.tracker.open or self.tracker.closed:
            yield from (ended.incident for ended, _ in self.tracker.end(at))
        if at % 60 == 0 or not found.n.any():
            self._forget(at, found.n > 0)

    def _judge(self) -> Verdict:
        slots = self._windows[0].used if self.condition.slots.buckets else slice(None)
        first = slots.start or 0
        return self.condition.judge([window.sums(slots) for window in self._windows], first)

    def _track(self, at: int, group: Group, one: Breach) -> Iterator[Incident]:
        is_full = len(self.tracker.open) >= MOST_OPEN
        if is_full and one.identity not in self.tracker.open:
            self.refused += 1
            return
        if change := self.tracker.breach(at, one):
            if not change.rule:
                change = self._named(group, one, change)
            yield change

    def _named(self, group: Group, one: Breach, incident: Incident) -> Incident:
        """Gives an incident that opens what the rule says of it; its group is among its labels."""
        table, tracked = self.rule.table, self.tracker.open[one.identity]
        names = [field.name for field in self.rule.by]
        labels = {**table.labels, **dict(zip(names, group, strict=True))}
        tracked.incident = with_sentence(
            incident,
            rule=self.rule.name,
            severity=table.severity,
            labels=[f"{name}={value}" for name, value in sorted(labels.items())],
            runbook=table.runbook,
            message=table.message,
            config=self.rule.hash,
        )
        return tracked.incident

    def _breach(self, group: Group, value: float, n: float) -> Breach:
        limit = self.condition.limit
        low = 0.0 if limit.direction == UP else limit.value
        return Breach(
            key=self._key(group),
            measure=self.rule.measure,
            direction=limit.direction,
            surprise=0.0,
            holds=True,
            critical=False,
            observed=value,
            expected=limit.value,
            lower=low,
            upper=limit.value,
            n=n,
            why=self.condition.render(value, n),
        )

    def _key(self, group: Group) -> Key:
        """Returns whose incident it is: by the group, and what all rows of the rule share."""
        named = dict(self.rule.fixed)
        others = []
        for field, value in zip(self.rule.by, group, strict=True):
            if field.column in ("service", "endpoint", "ip"):
                named[field.column] = value
            else:
                others.append(f"{field.name}={value}")
        return Key(**named, group=" ".join(others))

    def _forget(self, at: int, has_rows: Bools) -> None:
        """Drops the groups that nothing is known of any more."""
        kept = has_rows.copy()
        if self.condition.remembers:
            kept |= at - self._seen < FORGET_MINUTES
        if kept.all():
            return
        place = np.where(kept, np.cumsum(kept) - 1, NEVER)
        groups = [group for group, is_kept in zip(self._row_of, kept, strict=True) if is_kept]
        self._row_of = {group: row for row, group in enumerate(groups)}
        self._born, self._seen = self._born[kept], self._seen[kept]
        self._place[:] = NEVER
        for window in self._windows:
            window.keep(place)
