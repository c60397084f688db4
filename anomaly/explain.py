"""What an incident was computed from, computed again."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc

from anomaly.config import Config
from anomaly.fold import closed_minutes
from anomaly.incident import Incident
from anomaly.table import incidents_of
from anomaly.watchman import Watchman
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.rollup import MINUTES
from lakehouse.store import open_table
from lakehouse.tables import ANOMALIES

SHOWN = ("status", "severity", "scope", "key", "measure", "direction", "opened", "last_breach",
         "closed", "duration_minutes", "observed", "expected", "lower", "upper", "ratio", "n",
         "surprise_opened", "surprise_peak", "folded_to", "config")  # fmt: skip


def explained(places: Places, incident_id: str, config: Config) -> Iterator[str]:
    """Lines: the sentence, each fact, who made it, and whether the same minutes give it again."""
    one = _found(places, incident_id)
    yield one.sentence
    for name in SHOWN:
        yield f"  {name:<16} {getattr(one, name)}"
    for share in one.contributors:
        yield f"  {'from':<16} {share.share:.0%} {share.name}"
    if one.config != config.hash:
        yield f"judged by other constants ({one.config}) than those given ({config.hash})"
        return
    again = _again(places, one, config)
    same = "the same numbers" if again == one else f"something else:\n  {again}"
    yield f"the closed minutes up to {one.folded_to:%Y-%m-%d %H:%M} give {same}"


def _found(places: Places, incident_id: str) -> Incident:
    table = open_table(places, ANOMALIES).to_pyarrow_dataset()
    rows = table.to_table(filter=pc.field("incident_id") == incident_id)
    if not rows.num_rows:
        raise TableError(f"there is no incident {incident_id}", "`logpond anomalies` lists them")
    return incidents_of(rows)[0]


def _again(places: Places, wanted: Incident, config: Config) -> Incident | None:
    """The incident as the minutes up to its last one give it."""
    watchman, last = Watchman(config), None
    for minute in closed_minutes(open_table(places, MINUTES.name)):
        if minute.at * 60 > wanted.folded_to.timestamp():
            break
        for change in watchman.fold(minute):
            last = change if change.incident_id == wanted.incident_id else last
    return last
