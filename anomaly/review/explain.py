"""What an incident was computed from, computed again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.addresses import Addresses
from anomaly.addresses.fold import MEASURE
from anomaly.engine.config import Config
from anomaly.engine.engine import Watchman
from anomaly.engine.incident import SILENCE, Incident, evidence_of, with_evidence
from anomaly.engine.minute import Key
from anomaly.lake.fold import closed_minutes
from anomaly.lake.logs.addresses import minutes_of
from anomaly.lake.logs.counted import counted, spans
from anomaly.lake.logs.requests import SPAN_ROWS, Asked, asked
from anomaly.lake.rows import incidents_of
from anomaly.review.series_of_key import Point, Trace
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES

SHOWN = (
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
        if one.direction == SILENCE:
            yield "judged by the wall clock, which no fold of minutes gives again"
            return
        if one.config != ours:
            yield f"judged by other constants ({one.config}) than those given ({ours})"
            return
        again = self._again
        is_same = again is not None and _as_stored(again, one) == one
        same = "the same numbers" if is_same else f"something else:\n  {again}"
        yield f"the closed minutes up to {one.folded_to:%Y-%m-%d %H:%M} give {same}"

    @property
    def series(self) -> list[Point]:
        """The minutes around it, each with what was expected then; none of an address."""
        return self._folded[1]

    @property
    def asked(self) -> list[Asked]:
        """What an address asked for around it."""
        one = self.incident
        return [*asked(self._places, self._closed, one, one.opened - BEFORE, self._until)]

    @property
    def _again(self) -> Incident | None:
        return self._folded_address if self.incident.measure == MEASURE else self._folded[0]

    @property
    def _closed(self) -> DeltaTable:
        return open_table(self._places, MINUTES.name)

    @property
    def _until(self) -> datetime:
        one = self.incident
        return (one.closed or one.folded_to) + AFTER

    @cached_property
    def _folded(self) -> tuple[Incident | None, list[Point]]:
        """The incident as the minutes up to its last one give it, and what went on around it."""
        one, watchman, again = self.incident, Watchman(self._config), None
        key = Key(one.service, one.endpoint)
        trace = Trace(watchman, key, one.measure, one.opened - BEFORE)
        for minute in trace.following(closed_minutes(self._closed)):
            if minute.at * 60 > self._until.timestamp():
                break
            again = last_of(one, watchman.fold(minute)) or again
        return again, trace.points

    @property
    def _folded_address(self) -> Incident | None:
        """The same of an address, by the rows of `logs` that the closed minutes counted."""
        one, addresses, again = self.incident, Addresses(self._config), None
        with counted(self._places, self._closed) as rows:
            for span in spans(self._closed, None, SPAN_ROWS):
                if span.first > one.folded_to:
                    break
                for minute in minutes_of(rows, span, self._config.addresses):
                    again = last_of(one, addresses.fold(minute)) or again
        return again


def last_of(one: Incident, changes: Iterable[Incident]) -> Incident | None:
    """The last of these changes that is of an incident, and not later than it is known."""
    of_it = [it for it in changes if it.incident_id == one.incident_id]
    return next((it for it in reversed(of_it) if it.folded_to <= one.folded_to), None)


def incident_named(places: Places, name: str) -> Incident:
    """The incident whose id is or begins so; TableError where that is none, or several."""
    table = open_table(places, ANOMALIES).to_pyarrow_dataset()
    rows = table.to_table(filter=pc.starts_with(pc.field("incident_id"), name))
    if rows.num_rows == 1:
        return incidents_of(rows)[0]
    shown = "".join(char for char in name if char.isprintable())
    what = "several incidents begin with" if rows.num_rows else "there is no incident"
    raise TableError(f"{what} {shown}", "`logpond anomalies` lists them")


def _as_stored(again: Incident, one: Incident) -> Incident:
    """With what minutes do not say: who was muted, and what was read of `logs`."""
    return with_evidence(msgspec.structs.replace(again, muted=one.muted), *evidence_of(one))
