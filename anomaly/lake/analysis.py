"""All closed minutes of a lake judged again: what detection says of them, or would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from deltalake import DeltaTable

from anomaly.addresses import Addresses
from anomaly.engine.config import Config
from anomaly.engine.incident import SILENCE, Incident
from anomaly.lake.fold import SURPRISE, judged, shown
from anomaly.lake.logs.evidence import evident
from anomaly.lake.logs.watch import folded
from anomaly.lake.rows import incidents_of
from lakehouse.paths import Places
from lakehouse.store import table_or_none
from lakehouse.tables.catalog import ANOMALIES

Between = tuple[datetime | None, datetime | None]


def analysed(
    places: Places,
    closed: DeltaTable,
    config: Config,
    method: str = SURPRISE,
    between: Between = (None, None),
) -> list[Incident]:
    """Incidents between two times, in order, by the minutes of a state of `logs_windowed`.

    Addresses are folded again from the rows of `logs` that these minutes counted. Total silence is
    a matter of the wall clock: it is taken from `anomalies`.
    """
    found = judged(closed, config, method)
    if method != SURPRISE:
        return shown(found.values(), *between)
    addresses = Addresses(config)
    for changed in folded(places, closed, addresses):
        found |= changed
    told = evident(places, closed, shown(found.values(), *between), config)
    return shown([*told, *_silences(places)], *between)


def _silences(places: Places) -> Iterable[Incident]:
    table = table_or_none(places, ANOMALIES)
    rows = incidents_of(table.to_pyarrow_table()) if table else []
    return (one for one in rows if one.direction == SILENCE)
