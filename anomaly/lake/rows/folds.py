"""Folds the rows of closed minutes by everything that judges rows, and keeps its state.

A fold of rows is a line in `KINDS`: live detection, history, `explain` and snapshots follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import msgspec
from deltalake import DeltaTable

from anomaly.addresses import fold as addresses
from anomaly.engine.config import Config
from anomaly.engine.incident import PATTERN, Incident, start_of
from anomaly.lake.counted import Counted, Span, counted, spans
from anomaly.lake.rows.addresses import minutes_of as minutes_of_addresses
from anomaly.lake.rows.patterns import minutes_of as minutes_of_patterns
from anomaly.lake.snapshots import Snapshots
from anomaly.patterns import fold as patterns
from lakehouse.paths import Places

KEEP_MINUTES, KEPT = 10, 2


class Fold(Protocol):
    """A pure fold of minutes of rows."""

    folded_to: int

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""

    def fold(self, minute: Any, /) -> list[Incident]:
        """Folds a minute; returns the incidents that changed by it."""

    def dump(self) -> msgspec.Struct:
        """Returns the whole state."""


@dataclass(frozen=True)
class Kind:
    """What judges rows: the folder of its states, its fold, and how minutes are counted for it."""

    folder: str
    new: Callable[[Config], Fold]
    state: type[msgspec.Struct]
    load: Callable[[Config, Any], Fold]
    minutes_of: Callable[[Counted, Span, Config], Iterable[Any]]


# By the measure of its incidents.
KINDS = {
    addresses.MEASURE: Kind(
        "addresses",
        addresses.Addresses,
        addresses.State,
        addresses.Addresses.load,
        lambda rows, span, config: minutes_of_addresses(rows, span, config.addresses),
    ),
    PATTERN: Kind(
        "patterns",
        patterns.Patterns,
        patterns.State,
        patterns.Patterns.load,
        lambda rows, span, config: minutes_of_patterns(rows, span, config.patterns),
    ),
}


class RowFolds:
    """One fold of each kind, which are folded together."""

    def __init__(self, config: Config, folds: Mapping[str, Fold] | None = None) -> None:
        self.config = config
        self.folds = folds or {measure: kind.new(config) for measure, kind in KINDS.items()}

    @property
    def folded_to(self) -> int:
        """The last minute that all of them have folded; -1 before the first one."""
        return min(one.folded_to for one in self.folds.values())

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return [incident for one in self.folds.values() for incident in one.incidents]

    def fold(self, rows: Counted, span: Span) -> dict[str, Incident]:
        """Folds a span of closed minutes; returns the incidents that changed, by id.

        Minutes that have no rows for a kind are over for it, too.
        """
        changed: dict[str, Incident] = {}
        for measure, one in self.folds.items():
            for minute in KINDS[measure].minutes_of(rows, span, self.config):
                changed |= {change.incident_id: change for change in one.fold(minute)}
            one.folded_to = max(one.folded_to, int(span.end.timestamp()) // 60 - 1)
        return changed


class RowSnapshots:
    """The states of all kinds: the newest two of each, one each ten minutes."""

    def __init__(self, places: Places, config: Config) -> None:
        self._config = config
        self._of = {
            measure: Snapshots(places, config, kind.folder, KEPT) for measure, kind in KINDS.items()
        }

    def newest(self) -> RowFolds:
        """Returns folds that go on from the newest states; a new one where there is none."""
        config = self._config
        folds = {
            measure: self._of[measure].newest(kind.state, partial(kind.load, config))
            or kind.new(config)
            for measure, kind in KINDS.items()
        }
        return RowFolds(config, folds)

    def keep(self, folds: RowFolds) -> None:
        """Writes the states of folds that have folded a minute."""
        for measure, one in folds.folds.items():
            if one.folded_to >= 0:
                self._of[measure].keep(f"{one.folded_to:010d}", one.dump())

    def clear(self) -> None:
        """Deletes all states of these constants."""
        for one in self._of.values():
            one.clear()


class RowDetection:
    """Folds the rows of a lake, from the newest states on."""

    def __init__(self, places: Places, config: Config) -> None:
        self._places = places
        self._snapshots = RowSnapshots(places, config)
        self.folds = self._snapshots.newest()

    def changes(self, closed: DeltaTable) -> Iterator[dict[str, Incident]]:
        """Folds the minutes closed since; yields for each span the incidents that changed, by id.

        States are kept when the next span is asked for, so after these incidents are written. What
        a crash left unwritten is folded again, with the same result.
        """
        kept_at = self.folds.folded_to
        for changed in folded(self._places, closed, self.folds):
            yield changed
            now = self.folds.folded_to
            if now // KEEP_MINUTES != kept_at // KEEP_MINUTES:
                self._snapshots.keep(self.folds)
                kept_at = now


def folded(places: Places, closed: DeltaTable, folds: RowFolds) -> Iterator[dict[str, Incident]]:
    """Yields, for each span of closed minutes not folded yet, the incidents that changed, by id."""
    after = start_of(folds.folded_to) if folds.folded_to >= 0 else None
    new = [*spans(closed, after)]
    if not new:
        return
    with counted(places, closed) as rows:
        for span in new:
            yield folds.fold(rows, span)
