"""Rules in live detection: taken up when files change, judged as minutes close, closed when gone.

What a rule has seen is kept after its incidents are written. One that is new looks back a day and
its longest period: what is over by then is of the past, and told to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.engine.incident import RULE_ENDED, Incident, start_of, with_sentence
from anomaly.lake.incidents import incidents
from anomaly.rules.fold import RuleFold
from anomaly.rules.folder import State, rules_in, state_of
from anomaly.rules.judging import fold_rules, keep, loaded
from anomaly.rules.parts import RuleFault
from anomaly.rules.rule import NO_RULES, Rule, RuleSet
from anomaly.rules.sources import closed_range
from lakehouse.paths import Places
from lakehouse.tables.incidents import CLOSED, OPEN

LOOK_BACK_MINUTES, KEEP_MINUTES = 1440, 10
Note = Callable[[str], None]
# Incidents by id, and whether they are of the past.
Changes = tuple[dict[str, Incident], bool]


class RuleDetection:
    """The rules of a folder on a lake; `note` is told of files and rules that are broken."""

    def __init__(self, places: Places, folder: Path, note: Note = lambda _why: None) -> None:
        self._places, self._folder, self._note = places, folder, note
        self._found = NO_RULES
        self._files: State | None = None
        self._failed: dict[str, str] = {}
        self.folds: dict[str, RuleFold] = {}
        self._fresh: set[str] = set()
        self._kept: dict[str, int] = {}
        self._is_changed = self._reload()

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that are judged, by name."""
        return {name: fold.rule for name, fold in self.folds.items()}

    @property
    def open(self) -> list[Incident]:
        """The incidents that are open."""
        return [one for fold in self.folds.values() for one in fold.incidents]

    def changes(self, closed: DeltaTable) -> Iterator[Changes]:
        """Judges the minutes closed since; yields what is to be written.

        A state is kept when the next changes are asked for, so after these are written.
        """
        self._is_changed |= self._reload()
        if not self.folds and not self._is_changed:
            return
        every = closed_range(closed)
        if not len(every):
            return
        known = [fold for name, fold in self.folds.items() if name not in self._fresh]
        for changed in fold_rules(self._places, closed, known, self._fail):
            yield changed, False
        if self._fresh:
            yield from self._first_look(closed, every)
        if self._is_changed:
            yield self._gone(every.stop - 1), False
            self._is_changed = False
        self._keep()

    def _first_look(self, closed: DeltaTable, every: range) -> Iterator[Changes]:
        fresh = [self.folds[name] for name in sorted(self._fresh)]
        for fold in fresh:
            back = fold.rule.condition.longest + LOOK_BACK_MINUTES
            fold.folded_to = max(every.start, every.stop - back) - 1
        found: dict[str, Incident] = {}
        for changed in fold_rules(self._places, closed, fresh, self._fail):
            found |= changed
        yield {name: one for name, one in found.items() if one.status == CLOSED}, True
        yield {name: one for name, one in found.items() if one.status == OPEN}, False
        self._fresh.clear()

    def _reload(self) -> bool:
        """Takes files up that changed since; returns whether there were any."""
        files = state_of(self._folder)
        if files == self._files:
            return False
        self._files, before = files, self._found
        found = rules_in(self._folder)
        # what was fine before its file broke goes on
        kept = {
            name: rule
            for name, rule in before.rules.items()
            if name not in found.rules and any(f.startswith(rule.file) for f in found.faults)
        }
        for fault in found.faults:
            if fault not in before.faults:
                self._note(f"broken rule: {fault}")
        self._found = RuleSet({**found.rules, **kept}, found.faults)
        self._take_up(self._found.enabled)
        return True

    def _take_up(self, rules: Mapping[str, Rule]) -> None:
        hashes = {name: fold.rule.hash for name, fold in self.folds.items()}
        new = {name: one for name, one in rules.items() if hashes.get(name) != one.hash}
        for name in self.folds.keys() - rules.keys() | new.keys():
            self.folds.pop(name, None)
            self._failed.pop(name, None)
            self._fresh.discard(name)
        for name, rule in new.items():
            fold = loaded(self._places, rule)
            self.folds[name] = fold or RuleFold(rule)
            if fold is None:
                self._fresh.add(name)

    def _fail(self, fault: RuleFault) -> None:
        name = fault.rule.name
        self._failed[name] = fault.why
        self.folds.pop(name, None)
        self._is_changed = True
        self._note(f"rule {name} is judged no more, until its file changes: {fault.why}")

    def _gone(self, at: int) -> dict[str, Incident]:
        goes_on = {one.incident_id for one in self.open}
        return gone(self._places, self._found, goes_on, at, self._failed)

    def _keep(self) -> None:
        for name, fold in self.folds.items():
            if fold.folded_to // KEEP_MINUTES != self._kept.get(name, -1):
                keep(self._places, fold)
                self._kept[name] = fold.folded_to // KEEP_MINUTES


def gone(
    places: Places,
    found: RuleSet,
    goes_on: Collection[str],
    at: int,
    failed: Collection[str] = (),
) -> dict[str, Incident]:
    """Returns the open incidents of rules that are not there any more, closed at a minute.

    Of a rule that no file has, while one is broken, none is closed: it may be in that one.
    """
    every = incidents(places, pc.field("status") == OPEN)
    ended = [one for one in every if one.rule and one.incident_id not in goes_on]
    if found.faults:
        ended = [one for one in ended if one.rule in found.rules]
    return {one.incident_id: _closed(one, _why(one, found, failed), at) for one in ended}


def _why(one: Incident, found: RuleSet, failed: Collection[str]) -> str:
    if one.rule not in found.rules:
        return f"{RULE_ENDED}was removed"
    if one.rule not in found.enabled:
        return f"{RULE_ENDED}was switched off"
    if one.rule in failed:
        return f"{RULE_ENDED}fails, and is judged no more"
    return f"{RULE_ENDED}was changed"


def _closed(one: Incident, why: str, at: int) -> Incident:
    end = max(start_of(at), one.last_breach)
    return with_sentence(
        one,
        status=CLOSED,
        closed=end,
        folded_to=max(end, one.folded_to),
        reasons=[*one.reasons, why],
    )
