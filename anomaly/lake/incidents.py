"""Reads `anomalies`, and writes the incidents that changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.alerts.alert import Change
from anomaly.alerts.mutes import is_muted
from anomaly.engine.cause import MADE_WITHIN_MINUTES, linked
from anomaly.engine.config import Config
from anomaly.engine.detector import SPAN
from anomaly.engine.incident import (
    SILENCE,
    Incident,
    evidence_of,
    is_same_trouble,
    with_evidence,
)
from anomaly.lake.counted import MINUTE
from anomaly.lake.evidence import read_evidence
from anomaly.rules.evidence import read_samples
from anomaly.rules.rule import Rule
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.response.mutes import Mute, Mutes
from lakehouse.store import Replacement
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.incidents import OPEN
from lakehouse.tables.rollups import MINUTES

NEAR = MADE_WITHIN_MINUTES * MINUTE
OnChanges = Callable[[Sequence[Change]], None]


def incidents(places: Places, where: pc.Expression | None = None) -> list[Incident]:
    """Returns the incidents that fulfil a condition. Raises TableError where there is no table."""
    table = store.open_table(places, ANOMALIES).to_pyarrow_dataset()
    return incidents_of(table.to_table(filter=where))


def incidents_if_any(places: Places) -> list[Incident]:
    """Returns all incidents of the table; none where there is no table yet."""
    return incidents(places) if store.table_or_none(places, ANOMALIES) else []


def open_of_past(places: Places, names: Collection[str]) -> list[Incident]:
    """Returns those of the named incidents that are open, and that nobody was told of."""
    found = incidents(places, pc.field("status") == OPEN) if names else []
    return [_unmuted(one) for one in found if one.of_past and one.incident_id in names]


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
    of_past: bool = False,
    recounted: datetime | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> list[Change]:
    """Inserts or updates the incidents that differ from the table. Returns the changes.

    Muted ones are written with `muted = true`, new ones with `of_past`. New ones get samples and
    contributors from `logs`, and so do those that opened since minutes were `recounted`; those of
    `rules` have rows that these counted. What other constants, or an earlier text of a rule, have
    judged stays as it is.
    `on_changes` is called before the commit, and again where another writer was first: after a
    crash in between, a change was reported and is written later.
    """
    if not incidents:
        return []
    changes: list[Change] = []
    read: dict[str, Incident] = {}

    def make(current: DeltaTable) -> Replacement | None:
        others = _of_other_constants(current, config)
        found = [
            one
            for one in pairs(current, incidents)
            if not _stays(one, _of_its_kind(others, one.after), recounted)
        ]
        fresh = [one for one in _without_evidence(found, recounted) if one.incident_id not in read]
        read.update(_read_evidence(places, fresh, config, rules or {}))
        complete = (one._replace(after=read.get(one.after.incident_id, one.after)) for one in found)
        whole = _with_causes(current, [*complete])
        differing = [one for one in (_marked(each, of_past) for each in whole) if _differs(one)]
        changes[:] = with_mutes(differing, Mutes(places).now(datetime.now(UTC)))
        on_changes(changes)
        return replacement([change.after for change in changes])

    store.replace(places, ANOMALIES, make)
    return changes


def pairs(current: DeltaTable, incidents: Mapping[str, Incident]) -> list[Change]:
    """Returns each incident with its form in a version of the table.

    What was read from `logs` is kept by the table only, and taken from there.
    """
    named = pc.field("incident_id").isin([*incidents])
    stored = incidents_of(current.to_pyarrow_dataset().to_table(filter=named))
    there = {one.incident_id: one for one in stored}
    return [_change(there.get(name), one) for name, one in incidents.items()]


def _with_causes(current: DeltaTable, changes: Sequence[Change]) -> Iterator[Change]:
    """Yields the changes, and those of the table, that are parts of an address's incident or it.

    That an address made most of an incident is known once its rows were read.
    """
    opened = [one.after.opened for one in changes if one.before is None]
    near = []
    if opened:
        when = pc.field("opened")
        between = (when >= min(opened) - NEAR) & (when <= max(opened) + NEAR)
        near = incidents_of(current.to_pyarrow_dataset().to_table(filter=between))
    written = {one.after.incident_id for one in changes}
    others = [Change(one, one) for one in near if one.incident_id not in written]
    parents = linked(each.after for each in (*others, *changes))
    for each in (*others, *changes):
        parent = parents.get(each.after.incident_id, "")
        if parent:
            each = each._replace(after=msgspec.structs.replace(each.after, parent=parent))
        if parent or each.after.incident_id in written:
            yield each


def with_causes(incidents: Sequence[Incident]) -> Iterator[Incident]:
    """Yields the incidents, those that are parts of an address's incident as such."""
    parents = linked(incidents)
    for one in incidents:
        parent = parents.get(one.incident_id, one.parent)
        yield msgspec.structs.replace(one, parent=parent)


def _of_other_constants(current: DeltaTable, config: Config) -> list[Incident]:
    others = pc.field("config") != config.hash
    return incidents_of(current.to_pyarrow_dataset().to_table(filter=others))


def _of_its_kind(others: Iterable[Incident], one: Incident) -> list[Incident]:
    """Returns what was judged by other constants, or by another text of the same rule."""
    return [it for it in others if it.rule == one.rule and it.config != one.config]


def _stays(change: Change, others: Sequence[Incident], recounted: datetime | None) -> bool:
    """Whether other constants have judged these minutes, and their judgement is kept.

    One of theirs that is still open goes on. Rows that came late since are judged by these
    constants, unless theirs had found the trouble.
    """
    before, after = change
    if before and (before.config == after.config or before.status == OPEN):
        return False
    if not others or after.opened > max(one.folded_to for one in others):
        return False
    is_late = recounted is not None and after.opened >= recounted
    return not is_late or any(is_same_trouble(after, one) for one in others)


def with_mutes(changes: Iterable[Change], mutes: Sequence[Mute]) -> list[Change]:
    """Returns the changes, with `muted = true` where a mute covers them now."""
    return [
        one._replace(after=msgspec.structs.replace(one.after, muted=is_muted(one.after, mutes)))
        for one in changes
    ]


def _without_evidence(changes: Iterable[Change], recounted: datetime | None) -> list[Incident]:
    """Returns the incidents whose rows are to be read, without silence, which has none.

    Rows that came late since may be among the first of one that opened just before.
    """
    again = recounted and recounted - SPAN * MINUTE
    return [
        each.after
        for each in changes
        if each.after.direction != SILENCE
        and (each.before is None or (again and each.after.opened >= again))
    ]


def _marked(change: Change, of_past: bool) -> Change:
    """Returns the change, of the past where the table says so; what is open is followed live."""
    before, after = change
    was_past = before.of_past if before else of_past
    still = was_past and (of_past or after.status != OPEN)
    return Change(before, msgspec.structs.replace(after, of_past=still))


def _differs(change: Change) -> bool:
    return change.before is None or _unmuted(change.before) != change.after


def _read_evidence(
    places: Places, opened: Sequence[Incident], config: Config, rules: Mapping[str, Rule]
) -> dict[str, Incident]:
    if not opened:
        return {}
    closed = store.open_table(places, MINUTES.name)
    built_in = [one for one in opened if not one.rule]
    own = [one for one in opened if one.rule in rules]
    read = chain(
        read_evidence(places, closed, built_in, config), read_samples(places, closed, own, rules)
    )
    return {one.incident_id: one for one in read}


def _change(before: Incident | None, after: Incident) -> Change:
    if before is None:
        return Change(before, after)
    known = with_evidence(after, *evidence_of(before))
    return Change(before, msgspec.structs.replace(known, parent=after.parent or before.parent))


def _unmuted(one: Incident) -> Incident:
    return msgspec.structs.replace(one, muted=False)


def replacement(written: Sequence[Incident]) -> Replacement | None:
    """Returns what puts these incidents in place of their rows; None for none."""
    if not written:
        return None
    names = ", ".join(f"'{one.incident_id}'" for one in written)
    return Replacement(rows_of(written), f"incident_id IN ({names})", note={"writer": "anomaly"})
