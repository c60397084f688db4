"""Judges the minutes around an incident of a rule again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from deltalake import DeltaTable

from anomaly.engine.incident import Incident, start_of
from anomaly.review.point import Point
from anomaly.rules.answers import count_answers
from anomaly.rules.detection import LOOK_BACK_MINUTES
from anomaly.rules.evidence import group_of
from anomaly.rules.fold import RuleFold
from anomaly.rules.parts import Part, minute_of
from anomaly.rules.rule import Rule
from anomaly.rules.sources import closed_range, count_closed, count_rows
from lakehouse.paths import Places

Changes = list[Incident]


def judged_again(
    places: Places, closed: DeltaTable, rule: Rule, one: Incident, since: datetime, until: datetime
) -> tuple[Changes, list[Point]]:
    """Returns every change of the incidents of a rule up to a time, and its values since one."""
    every = closed_range(closed)
    back = rule.condition.longest + LOOK_BACK_MINUTES
    first = max(every.start, minute_of(one.opened) - back)
    end = min(every.stop, minute_of(until) + 1)
    fold, changes, points = RuleFold(rule), Changes(), list[Point]()
    fold.folded_to = first - 1
    group = tuple(group_of(rule, one))
    for part in _parts(places, closed, rule, first, end):
        begin = max(part.first, min(minute_of(since), part.end))
        changes += fold.fold(part.counted, part.first, begin)
        for at in range(begin, part.end):
            changes += fold.fold(part.counted, at, at + 1)
            points.append(_point(fold, group, at))
    return changes, [point for point in points if math.isfinite(point.observed)]


def _parts(places: Places, closed: DeltaTable, rule: Rule, first: int, end: int) -> Iterator[Part]:
    for count in (count_closed, count_rows, count_answers):
        parts = count(places, closed, {rule: first}, end)
        yield from (part for part in parts if isinstance(part, Part))


def _point(fold: RuleFold, group: tuple[str, ...], at: int) -> Point:
    value, n = fold.seen(group)
    bound = fold.condition.limit.value
    low = bound if fold.condition.limit.direction == "down" else 0.0
    return Point(start_of(at), value, bound, low, bound, n)
