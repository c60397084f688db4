"""Judges the history of a lake without Spark, in event-time order, however its rows came.

1. Closed minutes for which rows came late are counted again, missing ones are closed.
2. All of them are folded, from the first one on, and then their rows: addresses and patterns.
3. What `anomalies` lacks or has otherwise is written, as of the past: nobody is called for it.
4. What opened in minutes that were counted again, and is no incident any more, is withdrawn.

A crash anywhere is mended by the next run: the note that minutes were counted again is made before
they are, and forgotten last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.alerts.alert import Change
from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.incident import (
    SILENCE,
    Incident,
    is_same_trouble,
    start_of,
    withdrawn,
)
from anomaly.lake.detection import allowed_lateness, prepare_tables, state_snapshots
from anomaly.lake.fold import fold_all
from anomaly.lake.incidents import (
    OnChanges,
    incidents,
    incidents_if_any,
    incidents_of,
    replacement,
    write,
)
from anomaly.lake.rows.folds import RowFolds, RowSnapshots
from anomaly.rules.detection import gone
from anomaly.rules.fold import RuleFold
from anomaly.rules.judging import Failed, keep, snapshots
from anomaly.rules.parts import RuleFault
from anomaly.rules.rule import NO_RULES, RuleSet
from anomaly.rules.sources import closed_range
from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.ingest import queries
from lakehouse.maintenance.retention_marks import retained_from
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.store import Replacement
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.tables.incidents import OPEN, SEVERITIES, WITHDRAWN
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows import recounted
from lakehouse.windows.close import close
from lakehouse.windows.recount import closed_by_now, count_late

Say = Callable[[str], None]
# So long after the first minute that `retain` left, what is found is not what was found live.
SETTLES = timedelta(days=1)


class Closed(NamedTuple):
    """How many minutes were closed, and in how many earlier ones how many late rows counted."""

    minutes: int = 0
    late_minutes: int = 0
    late_rows: int = 0


class Judged(NamedTuple):
    """All incidents by id, those that were written, and the last minute that was judged."""

    found: Mapping[str, Incident]
    changes: list[Change]
    folded_to: int

    @property
    def new(self) -> list[Incident]:
        """The incidents that the table did not have."""
        return [one.after for one in self.changes if one.before is None]

    @property
    def withdrawn(self) -> list[Incident]:
        """Those that are none any more."""
        return [one.after for one in self.changes if one.after.status == WITHDRAWN]

    @property
    def changed(self) -> int:
        """How many the table had otherwise."""
        return len(self.changes) - len(self.new) - len(self.withdrawn)


@contextmanager
def alone(places: Places) -> Iterator[Places | None]:
    """Holds the lock of detection and gives places that are fenced; None while detection runs."""
    fenced: Places | None = None
    with ExitStack() as stack:
        try:
            fenced = stack.enter_context(queries.MINUTES.alone(places))
        except CheckpointError:
            if not queries.MINUTES.is_running(places):
                raise
        yield fenced


@dataclass
class History:
    """Closes and judges all minutes of a lake; its places are fenced by the lock of detection.

    `say` is called with how far it is, `on_changes` with changes before the table has them,
    `failed` with rules that cannot be counted.
    """

    places: Places
    settings: Anomaly
    config: Config
    say: Say = lambda _how_far: None
    on_changes: OnChanges = lambda _changes: None
    rules: RuleSet = NO_RULES
    failed: Failed = lambda _fault: None

    def close(self) -> Closed:
        """Counts late minutes again, and closes what the newest event closes.

        Raises TableError where there are no `logs`.
        """
        logs = store.open_table(self.places, LOGS)
        prepare_tables(self.places, self.settings)
        late = [late for day in count_late(self.places, MINUTES) for late in day.late]
        until = closed_by_now(logs, allowed_lateness(self.settings), MINUTES.window)
        minutes = 0
        for closed in close(self.places, MINUTES, until):
            minutes += closed.windows
            self.say(f"minutes are closed up to {closed.end:%Y-%m-%d %H:%M} UTC")
        return Closed(minutes, len(late), sum(one.rows for one in late))

    def judge(self) -> Judged:
        """Folds all closed minutes, and writes what differs from the table."""
        since = recounted.since(self.places)
        table = store.open_table(self.places, MINUTES.name)
        engine, row_folds = Engine(self.config), RowFolds(self.config)
        rules = [RuleFold(rule) for rule in self.rules.enabled.values()]
        failed: list[RuleFault] = []
        found = fold_all(self.places, table, engine, row_folds, self._folded, rules, failed.append)
        settled = _settled_from(table)
        changes = self._write(self._without_unsettled(found, settled), since)
        if since:
            changes += self._withdraw(found, max(since, settled or since))
        changes += self._write(self._gone(rules, failed), since)
        self._remember(engine, row_folds, rules, since)
        for fault in failed:
            self.failed(fault)
        return Judged(found, changes, engine.folded_to)

    def _without_unsettled(
        self, found: Mapping[str, Incident], settled: datetime | None
    ) -> Mapping[str, Incident]:
        """Leaves out what opened right after minutes were deleted, and was found with them.

        Without them the same trouble looks otherwise: it may open later, or not at all.
        """
        if settled is None:
            return found
        over = [one for one in incidents_if_any(self.places) if one.status != OPEN]
        return {
            name: one
            for name, one in found.items()
            if one.opened >= settled or not any(is_same_trouble(one, it) for it in over)
        }

    def _write(self, found: Mapping[str, Incident], since: datetime | None) -> list[Change]:
        known = (self.places, found, self.config, self.on_changes, True, since)
        return write(*known, rules=self.rules.rules)

    def _gone(self, rules: Sequence[RuleFold], failed: Sequence[RuleFault]) -> dict[str, Incident]:
        """Returns the open incidents of rules that are gone, closed."""
        goes_on = {one.incident_id for rule in rules for one in rule.incidents}
        at = max((rule.folded_to for rule in rules), default=-1)
        if at < 0:
            at = closed_range(store.open_table(self.places, MINUTES.name)).stop - 1
        names = {fault.rule.name for fault in failed}
        return gone(self.places, self.rules, goes_on, at, names)

    def _folded(self, minute: datetime) -> None:
        self.say(f"minutes are judged up to {minute:%Y-%m-%d %H:%M} UTC")

    def _withdraw(self, found: Mapping[str, Incident], since: datetime) -> list[Change]:
        """Withdraws what these constants found since a time, and do not find any more."""
        changes: list[Change] = []

        def make(current: DeltaTable) -> Replacement | None:
            hashes = [self.config.hash, *(one.hash for one in self.rules.enabled.values())]
            ours = (pc.field("opened") >= since) & pc.field("config").isin(hashes)
            there = incidents_of(current.to_pyarrow_dataset().to_table(filter=ours))
            gone = [one for one in there if one.incident_id not in found and _is_folded(one)]
            changes[:] = [Change(one, withdrawn(one)) for one in gone]
            self.on_changes(changes)
            return replacement([change.after for change in changes])

        store.replace(self.places, ANOMALIES, make)
        return changes

    def _remember(
        self,
        engine: Engine,
        row_folds: RowFolds,
        rules: Sequence[RuleFold],
        since: datetime | None,
    ) -> None:
        """Keeps all states for the next start of detection, unless minutes changed meanwhile."""
        if recounted.since(self.places) != since:
            return
        states = state_snapshots(self.places, self.config)
        of_rows = RowSnapshots(self.places, self.config)
        if since:
            states.clear()
            of_rows.clear()
            for rule in rules:
                snapshots(self.places, rule.rule).clear()
            recounted.forget(self.places)
        if engine.folded_to >= 0:
            states.keep(str(start_of(engine.folded_to).date()), engine.dump())
        of_rows.keep(row_folds)
        for rule in rules:
            keep(self.places, rule)


def _settled_from(minutes: DeltaTable) -> datetime | None:
    """Returns when a fold of these minutes knows what is usual; None where none were deleted."""
    first = retained_from(minutes)
    return datetime.combine(first, time(), UTC) + SETTLES if first else None


def _is_folded(one: Incident) -> bool:
    return one.direction != SILENCE and one.status != WITHDRAWN


def as_written(places: Places, judged: Judged) -> list[Incident]:
    """Returns what was found as the table has it, and total silence, which no fold finds."""
    return [
        one
        for one in incidents(places)
        if one.incident_id in judged.found or one.direction == SILENCE
    ]


def ends(changes: Iterable[Change]) -> list[Change]:
    """Returns the changes that somebody has to hear who was called: what ended, what was none."""
    return [one for one in changes if one.before and one.after.status != OPEN]


def render_history(closed: Closed, judged: Judged) -> Iterator[str]:
    """Yields in a line what was judged and found, and where it is seen; one more of corrections."""
    if judged.folded_to < 0:
        yield "nothing new is judged: no minute is over that was not"
        return
    upto, new = start_of(judged.folded_to + 1), judged.new
    yield (
        f"judged up to {upto:%Y-%m-%d %H:%M} UTC, {closed.minutes:,} minutes of it new: "
        f"{_counted(new) if new else 'no new incident'}{_where(new)}"
    )
    if closed.late_rows or judged.withdrawn:
        yield (
            f"correction: {closed.late_rows:,} late rows count in {closed.late_minutes:,} minutes; "
            f"incidents: {judged.changed:,} changed, {len(judged.withdrawn):,} withdrawn"
        )


def _counted(new: Sequence[Incident]) -> str:
    of = Counter(one.severity for one in new)
    worst = ", ".join(f"{of[name]:,} {name}" for name in reversed(SEVERITIES) if of[name])
    return f"{len(new):,} incident{'s' * (len(new) != 1)} of the past ({worst})"


def _where(new: Sequence[Incident]) -> str:
    if not new:
        return ""
    first = min(one.opened for one in new)
    return f"; `logpond anomalies --since {first:%Y-%m-%d}` lists them, as does the page Incidents"
