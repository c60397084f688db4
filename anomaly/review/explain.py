"""Folds an incident again from the closed minutes that it was made from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
import numpy as np
from deltalake import DeltaTable

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.incident import SILENCE, Incident, evidence_of, start_of, with_evidence
from anomaly.engine.minute import Key, Minutes
from anomaly.lake.counted import counted, spans
from anomaly.lake.evidence import RequestMinute, requests_by_minute
from anomaly.lake.minutes import closed_minutes
from anomaly.lake.rows.folds import KINDS
from anomaly.review.own_rule import judged_again
from anomaly.review.point import Point
from anomaly.rules.rule import NO_RULES, RuleSet
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.rollups import MINUTES

FIELDS = (
    "status",
    "severity",
    "muted",
    "scope",
    "key",
    "measure",
    "direction",
    "opened",
    "last_breach",
    "closed",
    "duration_minutes",
    "observed",
    "expected",
    "lower",
    "upper",
    "ratio",
    "n",
    "surprise_opened",
    "surprise_peak",
    "folded_to",
    "config",
)
# What is shown before an incident, and after its end.
BEFORE, AFTER = timedelta(hours=2), timedelta(minutes=30)


class SeriesOfKey:
    """Follows one key by one measure through a fold, from `since` on.

    `points` maps the name of each detector of the measure to its points.
    """

    def __init__(self, engine: Engine, key: Key, measure: str, since: datetime) -> None:
        self._engine, self._key, self._since = engine, key, since
        self.points: dict[str, list[Point]] = {
            name: [] for name, one in engine.detectors.items() if one.measure == measure
        }

    def following(self, minutes: Iterable[Minutes]) -> Iterator[Minutes]:
        """Yields the same minutes, and records the key after each was folded."""
        for minute in minutes:
            yield minute
            row = self._engine.keys.row_of.get(self._key)
            if row is not None and start_of(minute.at) >= self._since:
                for name in self.points:
                    self._add(name, minute.at, row)

    def _add(self, name: str, at: int, row: int) -> None:
        observation = self._engine.detectors[name].observe(np.array([row]))
        numbers = [float(column[0]) for column in observation]
        # before five minutes are known there is nothing to compare; a new key is not judged yet
        if not self._engine.keys.warm(at)[row]:
            numbers[1:4] = [math.nan] * 3
        if math.isfinite(numbers[0]):
            self.points[name].append(Point._make((start_of(at), *numbers)))


class Explained:
    """An incident, with what its closed minutes give when they are folded again."""

    def __init__(
        self, places: Places, incident: Incident, config: Config, own: RuleSet = NO_RULES
    ) -> None:
        self.incident = incident
        self._rule = own.rules.get(incident.rule)
        self._places, self._config = places, config

    def render(self) -> Iterator[str]:
        """Yields lines: the sentence, facts, contributors, and whether the fold gives the same."""
        one, ours = self.incident, self._config.hash
        yield one.sentence
        for name in FIELDS:
            yield f"  {name:<16} {getattr(one, name)}"
        for share in one.contributors:
            yield f"  {'from':<16} {share.share:.0%} {share.name}"
        if one.direction == SILENCE:
            yield "judged by the wall clock, which no fold of minutes gives again"
            return
        if one.rule and (not self._rule or self._rule.hash != one.config):
            gone = "changed since" if self._rule else "is in no file any more"
            yield f"judged by the rule {one.rule}, which {gone}"
            return
        if one.config != ours and not one.rule:
            yield f"judged by other constants ({one.config}) than those given ({ours})"
            return
        again = self._folded_again
        is_same = again is not None and _as_stored(again, one) == one
        same = "the same numbers" if is_same else f"something else:\n  {again}"
        yield f"the closed minutes up to {one.folded_to:%Y-%m-%d %H:%M} give {same}"

    @property
    def series(self) -> list[Point]:
        """Returns the minutes around it with the expected values; an address has none."""
        if self.incident.rule:
            return self._folded_rule[1]
        return self._folded[1]

    @property
    def requests(self) -> list[RequestMinute]:
        """Returns the requests of an address, or the lines of a pattern, around it."""
        minutes = requests_by_minute(
            self._places, self._closed, self.incident, self._since, self._until
        )
        return [*minutes]

    @property
    def _folded_again(self) -> Incident | None:
        if self.incident.rule:
            return self._folded_rule[0]
        return self._folded_rows if self.incident.measure in KINDS else self._folded[0]

    @property
    def _closed(self) -> DeltaTable:
        return open_table(self._places, MINUTES.name)

    @property
    def _since(self) -> datetime:
        return self.incident.opened - BEFORE

    @property
    def _until(self) -> datetime:
        one = self.incident
        return (one.closed or one.folded_to) + AFTER

    @cached_property
    def _folded(self) -> tuple[Incident | None, list[Point]]:
        """Returns the incident as its minutes give it again, and the minutes around it."""
        one, engine, again, detector = self.incident, Engine(self._config), None, ""
        series = SeriesOfKey(engine, Key(one.service, one.endpoint), one.measure, self._since)
        for minute in series.following(closed_minutes(self._closed)):
            if minute.at * 60 > self._until.timestamp():
                break
            if change := last_of(one, engine.fold(minute)):
                again, detector = change, engine.tracker.detector_of(one.incident_id)
        points = series.points.get(detector) or next(iter(series.points.values()), [])
        return again, points

    @cached_property
    def _folded_rule(self) -> tuple[Incident | None, list[Point]]:
        """Returns the incident as its rule gives it again, and the minutes around it."""
        one, rule = self.incident, self._rule
        if rule is None or rule.hash != one.config:
            return None, []
        span = (self._since, self._until)
        changes, points = judged_again(self._places, self._closed, rule, one, *span)
        return last_of(one, changes), points

    @property
    def _folded_rows(self) -> Incident | None:
        """Returns the incident of an address or a pattern as the counted rows give it again."""
        one, kind, again = self.incident, KINDS[self.incident.measure], None
        fold = kind.new(self._config)
        with counted(self._places, self._closed) as rows:
            for span in spans(self._closed):
                if span.first > one.folded_to:
                    break
                for minute in kind.minutes_of(rows, span, self._config):
                    again = last_of(one, fold.fold(minute)) or again
        return again


def last_of(one: Incident, changes: Iterable[Incident]) -> Incident | None:
    """Returns the last change of an incident that is not later than its `folded_to`."""
    of_it = [it for it in changes if it.incident_id == one.incident_id]
    return next((it for it in reversed(of_it) if it.folded_to <= one.folded_to), None)


def _as_stored(again: Incident, one: Incident) -> Incident:
    """Returns the folded incident with what no fold gives: who was told, and what `logs` says."""
    parent = again.parent or one.parent
    table_only = {"muted": one.muted, "of_past": one.of_past, "parent": parent}
    return with_evidence(msgspec.structs.replace(again, **table_only), *evidence_of(one))
