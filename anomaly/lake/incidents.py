"""Reads `anomalies`, and writes the incidents that changed."""

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
    """Returns the incidents that fulfil a condition. Raises TableError where there is no table."""
    table = store.open_table(places, ANOMALIES).to_pyarrow_dataset()
    return incidents_of(table.to_table(filter=where))


def incidents_if_any(places: Places) -> list[Incident]:
    """Returns all incidents of the table; none where there is no table yet."""
    return incidents(places) if store.table_or_none(places, ANOMALIES) else []


def incident_named(places: Places, name: str) -> Incident:
    """Returns the incident whose id begins so. Raises TableError for none, or for several."""
    found = incidents(places, pc.starts_with(pc.field("incident_id"), name))
    if len(found) == 1:
        return found[0]
    printable = "".join(char for char in name if char.isprintable())
    what = "several incidents begin with" if found else "there is no incident"
    raise TableError(f"{what} {printable}", "`logpond anomalies` lists them")


def rows_of(incidents: Iterable[Incident]) -> pa.Table:
    """Converts incidents to rows of the table."""
    rows = [{**msgspec.structs.asdict(one), "date": one.opened.date()} for one in incidents]
    for row in rows:
        row["contributors"] = [asdict(share) for share in row["contributors"]]
    return pa.Table.from_pylist(rows, ANOMALIES.columns)


def incidents_of(rows: pa.Table) -> list[Incident]:
    """Converts rows to incidents; a column that older rows lack has its default."""
    return [incident_of(row) for row in rows.to_pylist()]


def incident_of(row: Mapping[str, Any]) -> Incident:
    """Converts one row of the table to an incident."""
    known = {name: value for name, value in row.items() if value is not None and name != "date"}
    return msgspec.convert(known, Incident)


def write(
    places: Places,
    incidents: Mapping[str, Incident],
    config: Config,
    on_changes: OnChanges = lambda _changes: None,
) -> list[Incident]:
    """Inserts or updates the incidents that differ from the table. Returns those that changed.

    Muted ones are written with `muted = true`; new ones get samples and contributors from `logs`.
    `on_changes` is called before the commit, and again where another writer was first: after a
    crash in between, a change was reported and is written later.
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
    """Returns the incidents that differ from a version of the table, each with its earlier form.

    Mutes and what was read from `logs` are kept by the table only, and are not compared.
    """
    named = pc.field("incident_id").isin([*incidents])
    stored = incidents_of(current.to_pyarrow_dataset().to_table(filter=named))
    there = {one.incident_id: one for one in stored}
    changes = [_change(there.get(name), one) for name, one in incidents.items()]
    return [one for one in changes if one.before is None or _unmuted(one.before) != one.after]


def with_mutes(changes: Iterable[Change], mutes: Sequence[Mute]) -> list[Change]:
    """Returns the changes, with `muted = true` where a mute covers them now."""
    return [
        one._replace(after=msgspec.structs.replace(one.after, muted=is_muted(one.after, mutes)))
        for one in changes
    ]


def _opened(changes: Iterable[Change]) -> list[Incident]:
    """Returns the incidents that the table does not have, without silence, which has no rows."""
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
