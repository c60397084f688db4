"""What the addresses of an incident asked for, minute by minute, by the rows that were counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from deltalake import DeltaTable

from anomaly.addresses.fold import LOGIN, SPRAYING
from anomaly.engine.incident import Incident, moment
from anomaly.lake.logs.counted import AT, MINUTE, counted, spans
from lakehouse.duck import literal
from lakehouse.paths import Places

SPAN_ROWS = 250_000


class Asked(NamedTuple):
    """A minute of the rows that an incident is about."""

    at: datetime
    requests: int
    client_errors: int
    addresses: int


def asked(
    places: Places, closed: DeltaTable, one: Incident, first: datetime, end: datetime
) -> Iterator[Asked]:
    """The closed minutes from `first` up to `end`, in order; zeros where there is no such row."""
    what = "count(*), count(*) FILTER (status_code BETWEEN 400 AND 499), count(DISTINCT ip)"
    found: dict[int, tuple[int, int, int]] = {}
    with counted(places, closed) as rows:
        near = [it for it in spans(closed, first - MINUTE, SPAN_ROWS) if it.first < end]
        for span in near:
            of_span = f"{rows.rows(span)} WHERE {_about(one)}"
            query = f"SELECT {AT}, {what} FROM {of_span} GROUP BY 1"
            found |= {row[0]: row[1:] for row in rows.connection.sql(query).fetchall()}
    ats = range(_minute(near[0].first), _minute(min(near[-1].end, end))) if found else ()
    return (Asked(moment(at), *found.get(at, (0, 0, 0))) for at in ats)


def _about(one: Incident) -> str:
    """An address's rows, or those of a login that many tried; else all."""
    if one.ip:
        return f"ip = {literal(one.ip)}"
    if one.direction == SPRAYING and one.service == LOGIN:
        return f'"user" = {literal(one.endpoint)}'
    return "true"


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
