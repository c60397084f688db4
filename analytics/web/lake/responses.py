"""What people did about incidents, at the moment of a request."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lakehouse.response.action import Action, is_resolved
from lakehouse.response.respond import history
from lakehouse.tables.catalog import ANOMALIES

if TYPE_CHECKING:
    from analytics.web.lake.lake import Snapshot

# Of so many open incidents at most it is seen whether somebody has resolved them.
OPEN_MOST = 5000
OPEN_ONES = f"""
    SELECT incident_id, severity, last_breach FROM anomalies WHERE status = 'open'
    ORDER BY opened DESC LIMIT {OPEN_MOST}"""


def actions_on(snapshot: Snapshot, incident_ids: Collection[str]) -> dict[str, list[Action]]:
    """Returns what had been done about each of these incidents, where anything had."""
    found = snapshot.lake.actions.by_incident(incident_ids)
    known = {name: [one for one in done if one.at <= snapshot.now] for name, done in found.items()}
    return {name: done for name, done in known.items() if done}


def actions_of(snapshot: Snapshot, incident_id: str) -> list[Action]:
    """Returns what had been done about an incident, the first first."""
    return history(snapshot.lake.places, incident_id, None if snapshot.is_live else snapshot.now)


def resolved(snapshot: Snapshot) -> list[str]:
    """Returns the ids of the incidents that detection had open, and somebody had resolved."""
    anomalies = snapshot.table(ANOMALIES.name)
    if anomalies is None or not snapshot.lake.actions.names():
        return []
    open_ones = snapshot.ask(OPEN_ONES, anomalies=anomalies.files)
    done = actions_on(snapshot, {row["incident_id"] for row in open_ones})
    return [
        row["incident_id"]
        for row in open_ones
        if is_resolved(done.get(row["incident_id"], ()), row["severity"], row["last_breach"])
    ]
