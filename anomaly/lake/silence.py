"""Finds total silence by the wall clock: no row at all, while ingest runs and has no lag.

Without events, event time stands still and no minute closes, so no closed minute can show it. The
table is the memory: an open incident stays open until rows are back, even over restarts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from anomaly.engine.config import Config
from anomaly.engine.detectors.traffic import Traffic
from anomaly.engine.engine import Engine
from anomaly.engine.incident import SILENCE, Incident, incident_id, with_sentence
from anomaly.engine.minute import GLOBAL, Key
from anomaly.lake.incidents import incidents
from lakehouse.paths import Places
from lakehouse.tables.incidents import CLOSED, OPEN, SEVERITIES

MINUTE = timedelta(minutes=1)


class Absence(NamedTuple):
    """U of no request for some time, and how many requests were expected."""

    surprise: float
    requests: float


def absence(engine: Engine, at: int, minutes: int) -> Absence:
    """Judges the absence by what an engine has learned of all traffic.

    Both values are 0 where that is not known yet, or where this hour of the week is often silent.
    """
    row = engine.keys.row_of.get(Key())
    detectors = engine.detectors.values()
    traffic = next((one for one in detectors if isinstance(one, Traffic)), None)
    if row is None or traffic is None or not engine.keys.warm(engine.folded_to)[row]:
        return Absence(0.0, 0.0)
    is_usual = engine.seasonality.usual(at, np.array([row]))[0][0] < 1
    return Absence(0.0, 0.0) if is_usual else Absence(*traffic.absence(row, minutes))


@dataclass
class Silence:
    """Looks for silence now and then; the caller writes what changed.

    `arrived` returns when rows last came; `is_level` whether ingest runs without lag; `absence` how
    surprising no request is, for so many minutes up to a minute since the epoch.
    """

    config: Config
    arrived: Callable[[], datetime | None]
    is_level: Callable[[], bool]
    absence: Callable[[int, int], Absence]
    open: Incident | None = None
    _level_since: datetime | None = None

    def look(self, now: datetime) -> Incident | None:
        """Returns the incident that opens or closes now, or None."""
        last = self.arrived()
        if last is None:
            return None
        if self.open:
            return self._end(last)
        if now - last < MINUTE:
            self._level_since = last
            return None
        if not self.is_level():
            self._level_since = None
            return None
        self._level_since = self._level_since or now
        return self._begin(max(last, self._level_since), now)

    def _begin(self, since: datetime, now: datetime) -> Incident | None:
        """Opens an incident if it is surprising; time counts from when ingest had no lag."""
        minutes = (now - since) // MINUTE
        if minutes < self.config.traffic.silent_minutes:
            return None
        missed = self.absence(_minute(now), minutes)
        enough = missed.requests >= self.config.traffic.drop_least
        if not enough or missed.surprise < self.config.incidents.open:
            return None
        self.open = _opened(since, now, minutes, missed, self.config)
        return self.open

    def _end(self, last: datetime) -> Incident | None:
        one = self.open
        if one is None or last <= one.last_breach:
            return None
        self.open, end = None, max(_floor(last), one.opened)
        minutes = max((end - one.opened) // MINUTE, 1)
        return with_sentence(
            one,
            status=CLOSED,
            closed=end,
            last_breach=one.opened + (minutes - 1) * MINUTE,
            duration_minutes=minutes,
            n=float(minutes),
            reasons=_reasons(minutes),
        )


def open_silence(places: Places) -> Incident | None:
    """Returns the open incident of silence in the table, or None."""
    is_open = (pc.field("direction") == SILENCE) & (pc.field("status") == OPEN)
    found = sorted(incidents(places, is_open), key=lambda one: one.opened)
    return found[-1] if found else None


def _opened(
    since: datetime, now: datetime, minutes: int, missed: Absence, config: Config
) -> Incident:
    first = _floor(since) + MINUTE
    surprise = round(missed.surprise, 3)
    return with_sentence(
        Incident(
            incident_id=incident_id(Key(), "traffic", SILENCE, _minute(first)),
            status=OPEN,
            scope=GLOBAL,
            key=str(Key()),
            service="",
            endpoint="",
            measure="traffic",
            direction=SILENCE,
            opened=first,
            last_breach=_floor(now),
            duration_minutes=minutes,
            observed=0.0,
            expected=round(missed.requests, 1),
            lower=1.0,
            upper=round(missed.requests, 1),
            ratio=0.0,
            n=float(minutes),
            surprise_opened=surprise,
            surprise_peak=surprise,
            severity=SEVERITIES[-1],
            reasons=_reasons(minutes),
            contributors=[],
            config=config.hash,
            folded_to=_floor(now),
        )
    )


def _reasons(minutes: int) -> list[str]:
    return [f"nothing at all for {minutes:,} min, while ingest runs and nothing waits"]


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
