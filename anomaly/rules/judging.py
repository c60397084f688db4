"""Judges closed minutes by rules: what each counts is folded, from its own last minute on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from deltalake import DeltaTable

from anomaly.engine.incident import Incident
from anomaly.lake.snapshots import Snapshots
from anomaly.rules.answers import count_answers
from anomaly.rules.fold import RuleFold, State
from anomaly.rules.parts import RuleFault
from anomaly.rules.rule import Rule
from anomaly.rules.sources import closed_range, count_closed, count_rows
from lakehouse.paths import Places

KEPT = 2
Failed = Callable[[RuleFault], None]


def fold_rules(
    places: Places, closed: DeltaTable, folds: Iterable[RuleFold], failed: Failed
) -> Iterator[dict[str, Incident]]:
    """Folds the closed minutes that each has not seen. Yields what changed, by id.

    A rule that cannot be counted is judged no further, and passed to `failed`.
    """
    every = closed_range(closed)
    by_rule = {fold.rule: fold for fold in folds}
    due = {rule: max(every.start, fold.folded_to + 1) for rule, fold in by_rule.items()}
    ways = (count_closed, count_rows, count_answers)
    counted = (count(places, closed, due, every.stop) for count in ways)
    for part in chain.from_iterable(counted):
        fold = by_rule.get(part.rule)
        if fold is None:
            continue
        if isinstance(part, RuleFault):
            del by_rule[part.rule]
            failed(part)
            continue
        changes = fold.fold(part.counted, part.first, part.end)
        yield {change.incident_id: change for change in changes}


def snapshots(places: Places, rule: Rule) -> Snapshots:
    """Returns the snapshots of a rule; those of an earlier text of it are ignored."""
    return Snapshots(places, rule, f"rules/{rule.name}", KEPT)


def loaded(places: Places, rule: Rule) -> RuleFold | None:
    """Returns the fold of a rule as its newest snapshot has it; None where there is none."""
    return snapshots(places, rule).newest(State, partial(RuleFold.load, rule))


def keep(places: Places, fold: RuleFold) -> None:
    """Keeps the state of a rule for the next start."""
    if fold.folded_to >= 0:
        snapshots(places, fold.rule).keep(f"{fold.folded_to:010d}", fold.dump())
