"""Replays rules over what a lake has: how often they would have told, when, and of which rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from anomaly.engine.incident import Incident, start_of
from anomaly.lake.minutes import inert
from anomaly.rules.answers import ask_logs
from anomaly.rules.evidence import group_of
from anomaly.rules.fold import RuleFold
from anomaly.rules.parts import Part, RuleFault, first_minute, minute_of
from anomaly.rules.rule import Rule
from anomaly.rules.sources import closed_range, count_closed, count_logs
from anomaly.rules.tally import from_minutes, rows_of
from lakehouse import store
from lakehouse.duck import connect
from lakehouse.duck.view import Pinned
from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import rows_by_day
from lakehouse.windows.count import within
from lakehouse.windows.recount import closed_by_now

COLUMNS = ("rule", "opened", "length", "key", "seen", "limit", "rows", "open")
SAMPLES, SAMPLE_CHARACTERS = 3, 120
OPEN = "yes"
Say = Callable[[str], None]


@dataclass
class Trial:
    """What a rule would have told between two minutes.

    `is_from_minutes`: it was counted from closed minutes, else from rows of `logs` as they are
    now. `judged_to` is where it ended, as time was over or all was seen.
    """

    rule: Rule
    first: int
    end: int
    is_from_minutes: bool
    found: dict[str, Incident] = field(default_factory=dict)
    judged_to: int = -1
    refused: int = 0
    seconds: float = 0.0

    @property
    def incidents(self) -> list[Incident]:
        """The incidents in order of opening."""
        return sorted(self.found.values(), key=lambda one: (one.opened, one.incident_id))

    @property
    def minutes(self) -> int:
        """How many minutes were judged."""
        return max(0, self.judged_to - self.first)

    @property
    def firing_minutes(self) -> int:
        """How many of them have an incident, of whatever group."""
        found: set[int] = set()
        for one in self.found.values():
            opened = minute_of(one.opened)
            found.update(range(opened, opened + one.duration_minutes))
        return len(found)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row an incident."""
        return [
            {
                "rule": self.rule.name,
                "opened": one.opened,
                "length": one.duration_minutes,
                "key": one.key,
                "seen": one.observed,
                "limit": one.expected,
                "rows": int(one.n),
                "open": OPEN if one.closed is None else "",
            }
            for one in self.incidents
        ]

    def summary(self) -> dict[str, Any]:
        """Returns the figures by name."""
        return {
            "rule": self.rule.name,
            "when": self.rule.table.when,
            "since": start_of(self.first),
            "until": start_of(self.judged_to),
            "times": len(self.found),
            "firing_minutes": self.firing_minutes,
            "minutes": self.minutes,
            "from": "minutes" if self.is_from_minutes else "rows",
            "not_judged": self.refused,
            "seconds": round(self.seconds, 3),
        }

    def notes(self) -> Iterator[str]:
        """Yields what a reader has to know of the figures."""
        if self.judged_to < self.end:
            yield f"time was over at {start_of(self.judged_to):%Y-%m-%d %H:%M} UTC: see --seconds"
        if self.refused:
            yield (
                f"too many groups, or too many of them open: {self.refused:,} times one was not "
                "judged; group by less"
            )

    def render(self) -> str:
        """Says how often it would have told, and how much of the time, in one line."""
        days = self.minutes / 1440
        share = self.firing_minutes / max(self.minutes, 1)
        of = "closed minutes" if self.is_from_minutes else "rows of logs as they are now"
        times = f"{len(self.found):,} time{'s' * (len(self.found) != 1)}"
        return (
            f"{self.rule.name}: would have told {times} in {days:,.3g} days, and been on for "
            f"{share:.2%} of them ({of}, {self.seconds:.1f} s)"
        ).replace("%", " %")


def replay(
    places: Places,
    rule: Rule,
    since: datetime,
    most_seconds: float,
    say: Say = lambda _how_far: None,
) -> Trial:
    """Judges a rule from a time on; no longer than so many seconds, and then what is there.

    Raises TableError for a lake without logs, SettingsError where the rule fails on a row.
    """
    began = time.monotonic()
    minutes = store.table_or_none(places, MINUTES.name)
    has_minutes = minutes is not None and len(closed_range(minutes)) > 0
    is_from_minutes = has_minutes and from_minutes(rule) is not None
    every = closed_range(minutes) if minutes and is_from_minutes else _of_logs(places)
    first = max(every.start, minute_of(since))
    trial = Trial(rule, first, every.stop, is_from_minutes)
    if minutes and is_from_minutes:
        parts = count_closed(places, minutes, {rule: first}, every.stop)
    else:
        count = ask_logs if rule.table.query else count_logs
        parts = count(places, rule, first, every.stop)
    fold = RuleFold(rule)
    for part in parts:
        if isinstance(part, RuleFault):
            raise SettingsError(f"rule {rule.name} fails on a row: {part.why}", "mend its `sql`")
        _fold(trial, fold, part)
        say(f"{rule.name} is judged up to {start_of(part.end):%Y-%m-%d %H:%M} UTC")
        if time.monotonic() - began > most_seconds:
            break
    trial.judged_to, trial.refused = fold.folded_to + 1, fold.refused
    trial.seconds = time.monotonic() - began
    return trial


def ends_at(places: Places) -> datetime:
    """Returns the end of the newest minute of a lake. Raises TableError where it has no rows."""
    minutes = store.table_or_none(places, MINUTES.name)
    closed = closed_range(minutes) if minutes else range(0)
    return start_of(closed.stop if len(closed) else _of_logs(places).stop)


def sample_rows(places: Places, trial: Trial) -> list[dict[str, Any]]:
    """Returns some rows of the newest incident."""
    if not trial.incidents:
        return []
    one = trial.incidents[-1]
    minute = timedelta(minutes=1)
    first = one.opened - (trial.rule.condition.longest - 1) * minute
    span = within(first, one.opened + minute)
    where = f"{span} AND {rows_of(trial.rule, group_of(trial.rule, one))}"
    with connect() as connection:
        logs = Pinned.of(LOGS.name, places.table(LOGS), store.open_table(places, LOGS))
        logs.with_columns(LOGS.columns).create_view(connection, LOGS.name)
        rows = connection.sql(
            "SELECT timestamp, service, endpoint, status_code, level, message FROM logs "
            f"WHERE {where} ORDER BY timestamp DESC, event_id LIMIT {SAMPLES}"
        ).to_arrow_table()
    return [_cut(row) for row in _listed(rows)]


def _fold(trial: Trial, fold: RuleFold, part: Part) -> None:
    for change in fold.fold(part.counted, part.first, part.end):
        trial.found[change.incident_id] = change
    # what goes on has its newest numbers in the fold alone
    trial.found |= {one.incident_id: one for one in fold.incidents}


def _of_logs(places: Places) -> range:
    """Returns the minutes that `logs` has rows for, and that are over by its newest event."""
    logs = store.open_table(places, LOGS)
    days = rows_by_day(logs)
    if not days:
        raise TableError(f"logs of {places.lake} has no rows yet", "`logpond import` brings some")
    end = closed_by_now(logs, timedelta(0), MINUTES.window)
    return range(first_minute(min(days)), minute_of(end))


def _listed(rows: pa.Table) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def _cut(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: inert(value)[:SAMPLE_CHARACTERS] if isinstance(value, str) else value
        for name, value in row.items()
    }
