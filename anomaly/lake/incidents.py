"""Rows of `anomalies`: read, and written where an incident changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.alerts.alert import Change
from anomaly.alerts.mutes import Mute, Mutes, is_muted
from anomaly.engine.config import Config
from anomaly.engine.incident import SILENCE, Incident, evidence_of, with_evidence
from anomaly.lake.evidence import read_evidence
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import Replacement
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES

OnChanges = Callable[[Sequence[Change]], None]


def incidents(places: Places, where: pc.Expression | None = None) -> list[Incident]:
    """The incidents of the table that fulfil a condition. TableError where there is no table."""
    table = store.open_table(places, ANOMALIES).to_pyarrow_dataset()
    return incidents_of(table.to_table(filter=where))


def incidents_if_any(places: Places) -> list[Incident]:
    """All incidents of the table; none where there is no table yet."""
    return incidents(places) if store.table_or_none(places, ANOMALIES) else []


def incident_named(places: Places, name: str) -> Incident:
    """The incident whose id is or begins so. TableError where that is none, or several."""
    found = incidents(places, pc.starts_with(pc.field("incident_id"), name))
    if len(found) == 1:
        return found[0]
    printable = "".join(char for char in name if char.isprintable())
    what = "several incidents begin with" if found else "there is no incident"
    raise TableError(f"{what} {printable}", "`logpond anomalies` lists them")


def rows_of(incidents: Iterable[Incident]) -> pa.Table:
    """Incidents as rows of the table."""
    rows = [{**msgspec.structs.asdict(one), "date": one.opened.date()} for one in incidents]
    for row in rows:
        row["contributors"] = [asdict(share) for share in row["contributors"]]
    return pa.Table.from_pylist(rows, ANOMALIES.columns)


def incidents_of(rows: pa.Table) -> list[Incident]:
    """Rows of the table as incidents; a column that came later has its default in older rows."""
    return [incident_of(row) for row in rows.to_pylist()]


def incident_of(row: Mapping[str, Any]) -> Incident:
    """One row of the table as an incident."""
    known = {name: value for name, value in row.items() if value is not None and name != "date"}
    return msgspec.convert(known, Incident)


def write(
    places: Places,
    incidents: Mapping[str, Incident],
    config: Config,
    on_changes: OnChanges = lambda _changes: None,
) -> list[Incident]:
    """Insert or update the incidents that differ from the table. Returns those that changed.

    Muted ones are written with `muted = true`; one that is new gets its samples and contributors
    from `logs`. `on_changes` hears of the changes before the commit, and again where another
    writer was first: a crash in between leaves a change that was reported and is written later.
    """
    if not incidents:
        return []
    changes: list[Change] = []
    read: dict[str, Incident] = {}

    def make(current: DeltaTable) -> Replacement | None:
        found = changes_of(current, incidents)
        fresh = [one for one in _opened(found) if one.incident_id not in read]
        read.update(_read_evidence(places, fresh, config))
        complete = (one._replace(after=read.get(one.after.incident_id, one.after)) for one in found)
        changes[:] = with_mutes(complete, Mutes(places).now(datetime.now(UTC)))
        on_changes(changes)
        return _replacement([change.after for change in changes])

    store.replace(places, ANOMALIES, make)
    return [change.after for change in changes]


def changes_of(current: DeltaTable, incidents: Mapping[str, Incident]) -> list[Change]:
    """The incidents that differ from a state of the table, each with the one that it holds.

    Whether one is muted, and what was read of `logs`, is the table's own: it makes no difference.
    """
    named = pc.field("incident_id").isin([*incidents])
    stored = incidents_of(current.to_pyarrow_dataset().to_table(filter=named))
    there = {one.incident_id: one for one in stored}
    changes = [_change(there.get(name), one) for name, one in incidents.items()]
    return [one for one in changes if one.before is None or _unmuted(one.before) != one.after]


def with_mutes(changes: Iterable[Change], mutes: Sequence[Mute]) -> list[Change]:
    """The same changes, with `muted = true` where a mute covers them now."""
    return [
        one._replace(after=msgspec.structs.replace(one.after, muted=is_muted(one.after, mutes)))
        for one in changes
    ]


def _opened(changes: Iterable[Change]) -> list[Incident]:
    """Those that the table does not know; of silence `logs` has nothing to say."""
    return [c.after for c in changes if c.before is None and c.after.direction != SILENCE]


def _read_evidence(
    places: Places, opened: Sequence[Incident], config: Config
) -> dict[str, Incident]:
    if not opened:
        return {}
    closed = store.open_table(places, MINUTES.name)
    return {one.incident_id: one for one in read_evidence(places, closed, opened, config)}


def _change(before: Incident | None, after: Incident) -> Change:
    return Change(before, with_evidence(after, *evidence_of(before)) if before else after)


def _unmuted(one: Incident) -> Incident:
    return msgspec.structs.replace(one, muted=False)


def _replacement(written: Sequence[Incident]) -> Replacement | None:
    if not written:
        return None
    names = ", ".join(f"'{one.incident_id}'" for one in written)
    return Replacement(rows_of(written), f"incident_id IN ({names})", note={"writer": "anomaly"})
