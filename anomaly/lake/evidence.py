"""Reads from `logs`, for the minutes that opened an incident, sample events and shares.

Only rows that those minutes counted are read, so the result is the same at any time, as long as the
rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from deltalake import DeltaTable

from anomaly.addresses.fold import LOGIN, SPRAYING
from anomaly.engine.config import Config
from anomaly.engine.detector import SPAN
from anomaly.engine.incident import (
    BY_ADDRESS,
    BY_STATUS,
    PATTERN,
    Incident,
    start_of,
    with_evidence,
)
from anomaly.lake.counted import AT, MINUTE, Counted, Span, counted, spans
from anomaly.lake.minutes import inert
from anomaly.lake.rows.addresses import is_login
from anomaly.lake.rows.patterns import lines_of
from lakehouse.duck import literal
from lakehouse.paths import Places
from lakehouse.patterns.mask import LINE
from lakehouse.tables.incidents import Share
from lakehouse.tables.rollups import SERVER_ERROR
from lakehouse.windows.horizon import midnight

MOST_SAMPLES, _MOST_SHARES, _LEAST_SHARE = 5, 3, 0.1
_BY = {
    BY_ADDRESS: "coalesce(ip, 'no address')",
    BY_STATUS: "coalesce(CAST(status_code AS VARCHAR), 'no status')",
    "endpoint": "concat_ws(' ', service, endpoint)",
}
# Which rows of `logs` a measure is about, which of them are the best samples, and by what they are
# divided. Of a measure that has none here: all rows of its key, the newest first.
_ERRORS = ("timestamp DESC", (BY_ADDRESS, BY_STATUS))
_MEASURES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "server_errors": (SERVER_ERROR, *_ERRORS),
    "client_errors": ("status_code BETWEEN 400 AND 499", *_ERRORS),
    "latency": ("response_time IS NOT NULL", "response_time DESC", ()),
    "traffic": ("true", "count(*) OVER (PARTITION BY ip) DESC, timestamp DESC", (BY_ADDRESS,)),
    "address": ("true", "status_code < 400, timestamp DESC", ("endpoint", BY_STATUS)),
    PATTERN: ("true", "timestamp DESC", ()),
}
_ANY_MEASURE = ("true", "timestamp DESC", (BY_ADDRESS,))


def read_evidence(
    places: Places, closed: DeltaTable, incidents: Iterable[Incident], config: Config
) -> Iterator[Incident]:
    """Yields the incidents with their sample events and shares, in order of opening."""
    in_order = sorted(incidents, key=lambda one: one.opened)
    if not in_order:
        return
    with counted(places, closed) as rows:
        for opened, each in groupby(in_order, key=lambda one: one.opened):
            first = max(opened - (SPAN - 1) * MINUTE, midnight(opened))
            span = Span(first, opened + MINUTE)
            rows.connection.execute(
                "CREATE OR REPLACE TEMP TABLE opening AS SELECT event_id, timestamp, service, "
                'endpoint, status_code, is_error, ip, method, "user", response_time, '
                f"{LINE} AS line FROM {rows.rows(span)}"
            )
            for one in each:
                yield with_evidence(one, _samples(rows, one, config), _shares(rows, one, config))


def _samples(rows: Counted, one: Incident, config: Config) -> list[str]:
    order = _MEASURES.get(one.measure, _ANY_MEASURE)[1]
    query = (
        f"SELECT event_id FROM opening WHERE {_rows_of(one, config)} "
        f"ORDER BY {order}, event_id LIMIT {MOST_SAMPLES}"
    )
    return [name for (name,) in rows.connection.sql(query).fetchall()]


def _shares(rows: Counted, one: Incident, config: Config) -> Iterator[Share]:
    """Yields the largest parts of each kind, without those that are too small."""
    kinds = _MEASURES.get(one.measure, _ANY_MEASURE)[2]
    for kind in kinds if one.direction != "down" else ():
        query = (
            f"SELECT {_BY[kind]} AS name, count(*) / sum(count(*)) OVER () AS share FROM opening "
            f"WHERE {_rows_of(one, config)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_SHARES}"
        )
        for name, share in rows.connection.sql(query).fetchall():
            if share >= _LEAST_SHARE:
                yield Share(kind, inert(name), round(float(share), 4))


def _rows_of(one: Incident, config: Config) -> str:
    """Returns SQL for the rows that an incident is about."""
    of_measure = _MEASURES.get(one.measure, _ANY_MEASURE)[0]
    if one.direction == SPRAYING and one.service == LOGIN:
        return f'"user" = {literal(one.endpoint)} AND {is_login(config.addresses)}'
    named = {"service": one.service, "endpoint": one.endpoint, "ip": one.ip}
    keys = [f"{name} = {literal(value)}" for name, value in named.items() if value]
    if one.measure == PATTERN:
        keys.append(lines_of(one))
    return " AND ".join([of_measure, *keys])


class RequestMinute(NamedTuple):
    """Counts of a minute over the rows that an incident is about."""

    at: datetime
    requests: int
    client_errors: int
    addresses: int


def requests_by_minute(
    places: Places, closed: DeltaTable, one: Incident, first: datetime, end: datetime
) -> Iterator[RequestMinute]:
    """Yields the closed minutes from `first` up to `end`, in order; zeros where it has no row."""
    what = "count(*), count(*) FILTER (status_code BETWEEN 400 AND 499), count(DISTINCT ip)"
    found: dict[int, tuple[int, int, int]] = {}
    with counted(places, closed) as rows:
        near = [it for it in spans(closed, first - MINUTE) if it.first < end]
        for span in near:
            of_span = f"(SELECT *, {LINE} AS line FROM {rows.rows(span)}) WHERE {_about(one)}"
            query = f"SELECT {AT}, {what} FROM {of_span} GROUP BY 1"
            found |= {row[0]: row[1:] for row in rows.connection.sql(query).fetchall()}
    ats = range(_minute(near[0].first), _minute(min(near[-1].end, end))) if found else ()
    return (RequestMinute(start_of(at), *found.get(at, (0, 0, 0))) for at in ats)


def _about(one: Incident) -> str:
    """Returns a condition in SQL: an address, a pattern, or a login; otherwise all rows."""
    if one.measure == PATTERN:
        return f"service = {literal(one.service)} AND {lines_of(one)}"
    if one.ip:
        return f"ip = {literal(one.ip)}"
    if one.direction == SPRAYING and one.service == LOGIN:
        return f'"user" = {literal(one.endpoint)}'
    return "true"


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
