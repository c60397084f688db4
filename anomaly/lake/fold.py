"""Closed minutes of a lake folded into incidents, from the first kept or from a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.engine.config import Config
from anomaly.engine.engine import State, Watchman
from anomaly.engine.incident import Incident, moment
from anomaly.engine.minute import Minutes
from anomaly.engine.zscore_words import plainly
from anomaly.lake.rows import after, minutes_of
from lakehouse.ingest import queries
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.horizon import horizon, stored

SNAPSHOTS_KEPT = 8
SURPRISE = "surprise"


def fold(watchman: Watchman, minutes: Iterator[Minutes]) -> dict[str, Incident]:
    """The incidents that changed, by id, as they are after these minutes."""
    return {change.incident_id: change for one in minutes for change in watchman.fold(one)}


def judged(table: DeltaTable, config: Config, method: str = SURPRISE) -> dict[str, Incident]:
    """Every incident of the closed minutes of a state of `logs_windowed`, by a method."""
    found = fold(Watchman(config, method), closed_minutes(table))
    if method == SURPRISE:
        return found
    return {name: plainly(one, config) for name, one in found.items()}


def closed_minutes(table: DeltaTable, after_minute: int = -1) -> Iterator[Minutes]:
    """The closed minutes of a state of `logs_windowed` after one, in order."""
    closed = horizon(table)
    if closed is None:
        return iter(())
    since = moment(after_minute) if after_minute >= 0 else None
    rows = stored(table, MINUTES, MINUTES.granularity, since)
    is_new = pc.less(rows["window_start"], pa.scalar(closed, rows["window_start"].type))
    if since:
        is_new = pc.and_(is_new, pc.greater(rows["window_start"], after(after_minute)))
    return minutes_of(rows.filter(is_new))


class Snapshots:
    """States of a watchman beside the checkpoint, one a day and configuration."""

    def __init__(self, places: Places, config: Config) -> None:
        self._config = config
        self._ledger = objects.store(places.ledger(queries.MINUTES.name))

    def newest(self) -> Watchman:
        """The watchman of the newest day; one that knows nothing where none can be read.

        That one folds all minutes again, which takes longer and gives the same.
        """
        kept = self._names()
        content = objects.get(self._ledger, f"state/{kept[-1]}") if kept else None
        try:
            state = msgspec.msgpack.decode(content or b"", type=State)
            return Watchman.load(self._config, state)
        except (msgspec.DecodeError, KeyError):
            return Watchman(self._config)

    def keep(self, watchman: Watchman) -> None:
        """Keep what it knows as that of its day; the oldest days go."""
        day = moment(watchman.folded_to).date()
        content = msgspec.msgpack.encode(watchman.dump())
        objects.put(self._ledger, f"state/{day}-{self._config.hash}", content)
        for name in self._names()[:-SNAPSHOTS_KEPT]:
            objects.delete(self._ledger, f"state/{name}")

    def _names(self) -> list[str]:
        found = objects.names(self._ledger, "state")
        return sorted(name for name in found if name.endswith(f"-{self._config.hash}"))


def is_new_day(before: int, now: int) -> bool:
    """Whether a midnight lies between two minutes."""
    return before >= 0 and moment(before).date() != moment(now).date()


def shown(
    incidents: Iterable[Incident], since: datetime | None, until: datetime | None = None
) -> list[Incident]:
    """Those that went on between two times, in order of opening."""
    alive = [
        one
        for one in incidents
        if (since is None or (one.closed or one.last_breach) >= since)
        and (until is None or one.opened < until)
    ]
    return sorted(alive, key=lambda one: (one.opened, one.incident_id))
