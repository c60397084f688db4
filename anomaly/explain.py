"""What an incident was computed from, computed again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

import msgspec
import pyarrow.compute as pc

from anomaly.config import Config
from anomaly.fold import closed_minutes
from anomaly.incident import Incident, with_evidence
from anomaly.minute import Key
from anomaly.table import incidents_of
from anomaly.trace import Point, Trace
from anomaly.watchman import Watchman
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.rollup import MINUTES
from lakehouse.store import open_table
from lakehouse.tables import ANOMALIES

SHOWN = ("status", "severity", "muted", "scope", "key", "measure", "direction", "opened",
         "last_breach", "closed", "duration_minutes", "observed", "expected", "lower", "upper",
         "ratio", "n", "surprise_opened", "surprise_peak", "folded_to", "config")  # fmt: skip
# What is shown before an incident, and after its end.
BEFORE, AFTER = timedelta(hours=2), timedelta(minutes=30)


class Explained:
    """An incident, and what its closed minutes give when they are folded again."""

    def __init__(self, places: Places, incident: Incident, config: Config) -> None:
        self.incident = incident
        self._places, self._config = places, config

    def lines(self) -> Iterator[str]:
        """The sentence, each fact, who made it, and whether the minutes give it again."""
        one, ours = self.incident, self._config.hash
        yield one.sentence
        for name in SHOWN:
            yield f"  {name:<16} {getattr(one, name)}"
        for share in one.contributors:
            yield f"  {'from':<16} {share.share:.0%} {share.name}"
        if one.config != ours:
            yield f"judged by other constants ({one.config}) than those given ({ours})"
            return
        again = self._folded[0]
        is_same = again is not None and _told(again) == _told(one)
        same = "the same numbers" if is_same else f"something else:\n  {again}"
        yield f"the closed minutes up to {one.folded_to:%Y-%m-%d %H:%M} give {same}"

    @property
    def series(self) -> list[Point]:
        """The minutes around it, each with what was expected then."""
        return self._folded[1]

    @cached_property
    def _folded(self) -> tuple[Incident | None, list[Point]]:
        """The incident as the minutes up to its last one give it, and what went on around it."""
        one, watchman, again = self.incident, Watchman(self._config), None
        key = Key(one.service, one.endpoint)
        trace = Trace(watchman, key, one.measure, one.opened - BEFORE)
        minutes = closed_minutes(open_table(self._places, MINUTES.name))
        until = (one.closed or one.folded_to) + AFTER
        for minute in trace.following(minutes):
            if minute.at * 60 > until.timestamp():
                break
            for change in watchman.fold(minute):
                is_it = change.incident_id == one.incident_id
                again = change if is_it and change.folded_to <= one.folded_to else again
        return again, trace.points


def incident_named(places: Places, name: str) -> Incident:
    """The incident whose id is or begins so; TableError where that is none, or several."""
    table = open_table(places, ANOMALIES).to_pyarrow_dataset()
    rows = table.to_table(filter=pc.starts_with(pc.field("incident_id"), name))
    if rows.num_rows == 1:
        return incidents_of(rows)[0]
    shown = "".join(char for char in name if char.isprintable())
    what = "several incidents begin with" if rows.num_rows else "there is no incident"
    raise TableError(f"{what} {shown}", "`logpond anomalies` lists them")


def _told(one: Incident) -> Incident:
    """What the minutes alone say of it."""
    return msgspec.structs.replace(with_evidence(one, [], []), muted=False)
