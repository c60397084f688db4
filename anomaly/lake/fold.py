"""Folds the closed minutes of a lake into incidents, from the first minute or a snapshot on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from deltalake import DeltaTable

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.incident import SILENCE, Incident, start_of, with_zscore_sentence
from anomaly.engine.minute import Minutes
from anomaly.lake.evidence import read_evidence
from anomaly.lake.incidents import incidents_if_any, with_causes
from anomaly.lake.minutes import closed_minutes
from anomaly.lake.rows.folds import RowFolds, folded
from anomaly.rules.fold import RuleFold
from anomaly.rules.judging import Failed, fold_rules
from lakehouse.paths import Places

SURPRISE = "surprise"
OnFolded = Callable[[datetime], None]


def fold(engine: Engine, minutes: Iterator[Minutes]) -> dict[str, Incident]:
    """Folds minutes; returns the incidents that changed, by id, as they are afterwards."""
    return {change.incident_id: change for one in minutes for change in engine.fold(one)}


def judged(table: DeltaTable, config: Config, method: str = SURPRISE) -> dict[str, Incident]:
    """Returns all incidents of the closed minutes in a version of `logs_windowed`, by a method."""
    found = fold(Engine(config, method), closed_minutes(table))
    if method == SURPRISE:
        return found
    return {name: with_zscore_sentence(one, config) for name, one in found.items()}


def fold_all(
    places: Places,
    closed: DeltaTable,
    engine: Engine,
    row_folds: RowFolds,
    folded_to: OnFolded = lambda _minute: None,
    rules: Sequence[RuleFold] = (),
    failed: Failed = lambda _fault: None,
) -> dict[str, Incident]:
    """Folds all closed minutes, then their rows and rules. Returns all incidents by id.

    `folded_to` is called now and then with the minute that is folded, by each of these, `failed`
    with rules that cannot be counted.
    """
    found: dict[str, Incident] = {}
    for minutes in closed_minutes(closed, engine.folded_to):
        found |= {change.incident_id: change for change in engine.fold(minutes)}
        if minutes.at % 60 == 0:
            folded_to(start_of(minutes.at))
    for changed in folded(places, closed, row_folds):
        found |= changed
        folded_to(start_of(row_folds.folded_to))
    for changed in fold_rules(places, closed, rules, failed):
        found |= changed
        folded_to(start_of(max(rule.folded_to for rule in rules)))
    return found


def active_between(
    incidents: Iterable[Incident], since: datetime | None, until: datetime | None = None
) -> list[Incident]:
    """Returns the incidents that went on between two times, in order of opening."""
    alive = [
        one
        for one in incidents
        if (since is None or (one.closed or one.last_breach) >= since)
        and (until is None or one.opened < until)
    ]
    return sorted(alive, key=lambda one: (one.opened, one.incident_id))


Between = tuple[datetime | None, datetime | None]


def analyse(
    places: Places,
    closed: DeltaTable,
    config: Config,
    method: str = SURPRISE,
    between: Between = (None, None),
) -> list[Incident]:
    """Returns the incidents between two times, from a version of `logs_windowed`.

    Addresses and patterns are folded again from the rows of `logs` that these minutes counted.
    Total silence depends on the wall clock, so it is read from `anomalies`.
    """
    if method != SURPRISE:
        return active_between(judged(closed, config, method).values(), *between)
    found = fold_all(places, closed, Engine(config), RowFolds(config))
    read = read_evidence(places, closed, active_between(found.values(), *between), config)
    complete = with_causes([*read])
    silences = [one for one in incidents_if_any(places) if one.direction == SILENCE]
    return active_between([*complete, *silences], *between)
