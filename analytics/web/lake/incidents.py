"""Queries of `anomalies`: filtered lists, counts by value, one incident in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import TableState
from lakehouse.errors import TableError
from lakehouse.tables.incidents import OPEN, RESOLVED, IncidentRow, IncidentSummary, Share

FILTERS = ("status", "severity", "measure", "service")
A_PAGE = 50
# Rows as people see them: what detection has open and somebody has resolved is `resolved`. Its
# ids are the first value of a query.
SEEN = f"""(
    SELECT * REPLACE (CASE
        WHEN status = '{OPEN}' AND incident_id IN (SELECT unnest(?::VARCHAR[])) THEN '{RESOLVED}'
        ELSE status END AS status)
    FROM anomalies) AS seen"""


@dataclass(frozen=True)
class Choice:
    """A value of a filter, and how many incidents have it."""

    value: str
    incidents: int


@dataclass(frozen=True)
class IncidentFilters:
    """Selects incidents by one of the values of each filter, from `since` and up to `until`."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def where(self, but: str = "") -> tuple[str, list[Any]]:
        """Returns a condition in SQL and the values to bind, without the filter `but`."""
        parts = [
            *(
                (
                    f"coalesce({name}, '') IN (SELECT unnest(?::VARCHAR[]))",
                    list(getattr(self, name)),
                )
                for name in FILTERS
                if getattr(self, name) and name != but
            ),
            *([("coalesce(closed, last_breach) >= ?", self.since)] if self.since else []),
            *([("opened < ?", self.until)] if self.until else []),
        ]
        return " AND ".join(sql for sql, _ in parts) or "true", [value for _, value in parts]


def rows(
    snapshot: Snapshot, anomalies: TableState, filters: IncidentFilters, skip: int = 0
) -> list[IncidentSummary]:
    """Returns open incidents first, then the newest; one more than a page if there are more."""
    where, values = filters.where()
    order = f"status = 'open' DESC, opened DESC, incident_id LIMIT {A_PAGE + 1} OFFSET ?"
    return _listed(snapshot, anomalies, where, order, [*values, skip])


def opened_since(
    snapshot: Snapshot, anomalies: TableState, first: datetime
) -> list[IncidentSummary]:
    """Returns incidents that opened since a time or are open, newest first; at most 500."""
    where = "(opened >= ? OR status = 'open')"
    return _listed(snapshot, anomalies, where, "opened DESC LIMIT 500", [first])


def children(snapshot: Snapshot, anomalies: TableState, incident_id: str) -> list[IncidentSummary]:
    """Returns the incidents that are part of a wider one."""
    order = "surprise_peak DESC, incident_id LIMIT 20"
    return _listed(snapshot, anomalies, "parent = ?", order, [incident_id])


def counts(
    snapshot: Snapshot, anomalies: TableState, filters: IncidentFilters
) -> dict[str, list[Choice]]:
    """Returns the values of each filter, counted among incidents that other filters select."""
    return {name: [*_counted(snapshot, anomalies, filters, name)] for name in FILTERS}


def one(snapshot: Snapshot, anomalies: TableState, incident_id: str) -> IncidentRow:
    """Returns an incident with every field. Raises TableError where there is none."""
    found = snapshot.ask(
        f"SELECT {_columns(anomalies, IncidentRow)} FROM {SEEN} WHERE incident_id = ?",
        [snapshot.resolved, incident_id],
        anomalies=anomalies.files,
    )
    if not found:
        raise TableError(
            f"there is no incident {incident_id[:40]} at this moment",
            "choose one from the list of incidents; it may have opened later",
        )
    row = {**found[0], "contributors": [Share(**of) for of in found[0]["contributors"] or ()]}
    lists = {name: row[name] or [] for name in ("reasons", "labels", "sample_event_ids")}
    return IncidentRow(**{**row, **lists})


def _listed(
    snapshot: Snapshot, anomalies: TableState, where: str, order: str, values: Sequence[Any]
) -> list[IncidentSummary]:
    columns = _columns(anomalies, IncidentSummary)
    query = f"SELECT {columns} FROM {SEEN} WHERE {where} ORDER BY {order}"
    found = snapshot.ask(query, [snapshot.resolved, *values], anomalies=anomalies.files)
    return [IncidentSummary(**row) for row in found]


def _counted(
    snapshot: Snapshot, anomalies: TableState, filters: IncidentFilters, name: str
) -> Iterator[Choice]:
    where, values = filters.where(but=name)
    found = snapshot.ask(
        f"SELECT coalesce({name}, '') AS value, count(*) AS incidents FROM {SEEN} "
        f"WHERE {where} GROUP BY value ORDER BY incidents DESC, value LIMIT 30",
        [snapshot.resolved, *values],
        anomalies=anomalies.files,
    )
    yield from (Choice(**row) for row in found)


def spans_of_rules(
    snapshot: Snapshot, anomalies: TableState, since: datetime
) -> list[dict[str, Any]]:
    """Returns when incidents of rules went on since a time, newest first; at most 20,000."""
    if "rule" not in anomalies.files.columns:
        return []
    return snapshot.ask(
        "SELECT rule, severity, status, opened, last_breach FROM anomalies WHERE rule <> '' "
        "AND status <> 'withdrawn' AND (last_breach >= ? OR status = 'open') "
        "ORDER BY opened DESC LIMIT 20000",
        [since],
        anomalies=anomalies.files,
    )


def _columns(anomalies: TableState, of: type[IncidentSummary]) -> str:
    """Returns SQL for the columns; one that this version of the table lacks is NULL."""
    names, known = [field.name for field in fields(of)], anomalies.files.columns
    return ", ".join(name if name in known else f"NULL AS {name}" for name in names)
