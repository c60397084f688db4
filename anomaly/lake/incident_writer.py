"""Incidents to rows of `anomalies`: what changed, and what `logs` said of it when it opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.alerts import Change
from anomaly.alerts.mutes import Mute, Mutes, is_muted
from anomaly.engine.config import Config
from anomaly.engine.incident import SILENCE, Incident, evidence_of, with_evidence
from anomaly.lake.logs.evidence import evident
from anomaly.lake.rows import incidents_of, rows_of
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.store import Replacement
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES

OnChanges = Callable[[Sequence[Change]], None]


def record(
    places: Places,
    incidents: Mapping[str, Incident],
    config: Config,
    on_changes: OnChanges = lambda _changes: None,
) -> list[Incident]:
    """Write those that the table lacks or holds otherwise, marked where muted; which these were."""
    if not incidents:
        return []
    changes: list[Change] = []
    read: dict[str, Incident] = {}

    def make(current: DeltaTable) -> Replacement | None:
        found = changes_of(current, incidents)
        fresh = [one for one in _opened(found) if one.incident_id not in read]
        read.update(_evident(places, fresh, config))
        told = (one._replace(after=read.get(one.after.incident_id, one.after)) for one in found)
        changes[:] = marked(told, Mutes(places).now(datetime.now(UTC)))
        on_changes(changes)
        return _replacement([change.after for change in changes])

    store.replace(places, ANOMALIES, make)
    return [change.after for change in changes]


def changes_of(current: DeltaTable, incidents: Mapping[str, Incident]) -> list[Change]:
    """Those that a state of the table lacks or holds otherwise.

    Who was muted, and what was read of `logs`, is the table's own.
    """
    chosen = pc.field("incident_id").isin([*incidents])
    held = incidents_of(current.to_pyarrow_dataset().to_table(filter=chosen))
    there = {one.incident_id: one for one in held}
    changes = [_change(there.get(name), one) for name, one in incidents.items()]
    return [one for one in changes if one.before is None or _unmuted(one.before) != one.after]


def marked(changes: Iterable[Change], mutes: Sequence[Mute]) -> list[Change]:
    """The same, where muted marked as such."""
    return [
        one._replace(after=msgspec.structs.replace(one.after, muted=is_muted(one.after, mutes)))
        for one in changes
    ]


def _opened(changes: Iterable[Change]) -> list[Incident]:
    """Those that the table does not know; of silence `logs` has nothing to say."""
    return [c.after for c in changes if c.before is None and c.after.direction != SILENCE]


def _evident(places: Places, opened: Sequence[Incident], config: Config) -> dict[str, Incident]:
    if not opened:
        return {}
    closed = store.open_table(places, MINUTES.name)
    return {one.incident_id: one for one in evident(places, closed, opened, config)}


def _change(before: Incident | None, after: Incident) -> Change:
    return Change(before, with_evidence(after, *evidence_of(before)) if before else after)


def _unmuted(one: Incident) -> Incident:
    return msgspec.structs.replace(one, muted=False)


def _replacement(written: Sequence[Incident]) -> Replacement | None:
    if not written:
        return None
    names = ", ".join(f"'{one.incident_id}'" for one in written)
    return Replacement(rows_of(written), f"incident_id IN ({names})", note={"writer": "anomaly"})
