"""Incidents out of `anomalies`: the chosen ones, how many of which kind, one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import State
from lakehouse.errors import TableError

FILTERS = ("status", "severity", "measure", "service")
A_PAGE = 50


@dataclass(frozen=True)
class Listed:
    """An incident as a list shows it."""

    incident_id: str
    status: str
    severity: str
    scope: str
    key: str
    service: str
    endpoint: str
    ip: str
    measure: str
    direction: str
    opened: datetime
    last_breach: datetime
    closed: datetime | None
    duration_minutes: int | None
    surprise_peak: float | None
    muted: bool | None
    parent: str | None
    sentence: str | None


@dataclass(frozen=True)
class Share:
    """A part of what made an incident."""

    kind: str
    name: str
    share: float


@dataclass(frozen=True)
class Incident(Listed):
    """An incident with all that its row says; the numbers are those of its worst minutes."""

    observed: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    ratio: float | None
    n: float | None
    surprise_opened: float | None
    usual_when: str | None
    usual_lower: float | None
    usual_upper: float | None
    reasons: list[str]
    contributors: list[Share]
    sample_event_ids: list[str]
    config: str | None
    folded_to: datetime | None


@dataclass(frozen=True)
class Choice:
    """A value of a filter, and how many incidents it would leave."""

    value: str
    incidents: int


@dataclass(frozen=True)
class Wanted:
    """Which incidents: any of the values of each filter, and those that went on in a time."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def where(self, but: str = "") -> tuple[str, list[Any]]:
        """The condition with its values to bind, without one of the filters."""
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


def rows(snapshot: Snapshot, anomalies: State, wanted: Wanted, skip: int = 0) -> list[Listed]:
    """Open ones first, then the newest; one more than a page, where there are more."""
    where, values = wanted.where()
    order = f"status = 'open' DESC, opened DESC, incident_id LIMIT {A_PAGE + 1} OFFSET ?"
    return _listed(snapshot, anomalies, where, order, [*values, skip])


def children(snapshot: Snapshot, anomalies: State, incident_id: str) -> list[Listed]:
    """The incidents that an open one of a wider key took in."""
    order = "surprise_peak DESC, incident_id LIMIT 20"
    return _listed(snapshot, anomalies, "parent = ?", order, [incident_id])


def counts(snapshot: Snapshot, anomalies: State, wanted: Wanted) -> dict[str, list[Choice]]:
    """For each filter its values, and how many incidents each would leave."""
    return {name: [*_counted(snapshot, anomalies, wanted, name)] for name in FILTERS}


def one(snapshot: Snapshot, anomalies: State, incident_id: str) -> Incident:
    """An incident with every field; TableError where there is none."""
    found = snapshot.ask(
        f"SELECT {_columns(anomalies, Incident)} FROM anomalies WHERE incident_id = ?",
        [incident_id],
        anomalies=anomalies.files,
    )
    if not found:
        raise TableError(
            f"there is no incident {incident_id[:40]} at this moment",
            "choose one from the list of incidents; it may have opened later",
        )
    row = {**found[0], "contributors": [Share(**of) for of in found[0]["contributors"] or ()]}
    lists = {name: row[name] or [] for name in ("reasons", "sample_event_ids")}
    return Incident(**{**row, **lists})


def _listed(
    snapshot: Snapshot, anomalies: State, where: str, order: str, values: Sequence[Any]
) -> list[Listed]:
    query = f"SELECT {_columns(anomalies, Listed)} FROM anomalies WHERE {where} ORDER BY {order}"
    return [Listed(**row) for row in snapshot.ask(query, values, anomalies=anomalies.files)]


def _counted(snapshot: Snapshot, anomalies: State, wanted: Wanted, name: str) -> Iterator[Choice]:
    where, values = wanted.where(but=name)
    found = snapshot.ask(
        f"SELECT coalesce({name}, '') AS value, count(*) AS incidents FROM anomalies "
        f"WHERE {where} GROUP BY value ORDER BY incidents DESC, value LIMIT 30",
        values,
        anomalies=anomalies.files,
    )
    yield from (Choice(**row) for row in found)


def _columns(anomalies: State, of: type[Listed]) -> str:
    """A column that this version of the table does not have yet reads NULL."""
    names, known = [field.name for field in fields(of)], anomalies.files.columns
    return ", ".join(name if name in known else f"NULL AS {name}" for name in names)
