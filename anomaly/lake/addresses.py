"""Counts closed minutes of addresses from `logs`, and folds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from anomaly.addresses.fold import Addresses, State
from anomaly.addresses.minute import MOST_NAMES, AddressMinute, AddressMinutes, Crowd
from anomaly.addresses.probe import counted_as, is_attack
from anomaly.addresses.rules import Exempt
from anomaly.engine.columns import Ints
from anomaly.engine.config import Addresses as Limits
from anomaly.engine.config import Config
from anomaly.engine.incident import Incident, start_of
from anomaly.lake.counted import AT, Counted, Span, counted, spans
from anomaly.lake.minutes import inert
from anomaly.lake.snapshots import Snapshots
from lakehouse.duck import literal
from lakehouse.paths import Places
from lakehouse.tables.measures import HASH

# What is not made for one visitor alone.
STATIC = r"\.(?:avif|bmp|css|gif|ico|jpe?g|js|map|mp4|png|svg|ttf|webm|webp|woff2?)$"
# A try is a write: a form that is only shown is none.
_READS = "('GET', 'HEAD', 'OPTIONS')"
_LONGEST_IP = 64
_MOST_PATHS = 4 * MOST_NAMES
_is_attack, _counted_as = lru_cache(1 << 16)(is_attack), lru_cache(1 << 16)(counted_as)


def minutes_of(counted: Counted, span: Span, limits: Limits) -> Iterator[AddressMinutes]:
    """Yields the minutes of a span that have rows, in order."""
    connection = counted.connection
    asked = _asked(counted.rows(span), limits)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {asked}")
    paths = connection.sql("SELECT DISTINCT path FROM asked").fetchall()
    attacks = [path for (path,) in paths if _is_attack(path)]
    connection.register("attacks", pa.table({"path": pa.array(attacks, pa.string())}))
    rows = connection.sql(_BY_ADDRESS).to_arrow_table().combine_chunks()
    starts = np.asarray(rows["minute"].to_numpy(), np.int64)
    bounds = np.flatnonzero(np.diff(starts, prepend=-1, append=-1))
    exempt = Exempt(limits)
    for first, end in pairwise(bounds):
        yield _minute(int(starts[first]), _judged(rows.slice(first, end - first), exempt), limits)


def is_login(limits: Limits) -> str:
    """Returns SQL that says whether a request tries to log in."""
    words = "|".join(limits.logins)
    route = literal(rf"(^|[^a-z0-9])({words})($|[^a-z0-9])")
    is_route = f"regexp_matches(lower(coalesce(endpoint, '')), {route})"
    return f"{is_route} AND coalesce(method, '') NOT IN {_READS}"


def _asked(rows: str, limits: Limits) -> str:
    """Returns SQL: the rows with what each asks for. A login is refused by 4xx other than 404."""
    return (
        f'SELECT {AT} AS minute, ip, coalesce(path, endpoint) AS path, "user" AS name, '
        f"NOT regexp_matches(lower(coalesce(endpoint, '')), {literal(STATIC)}) AS dynamic, "
        "status_code BETWEEN 400 AND 499 AS client_error, is_login AND status_code BETWEEN 400 "
        "AND 499 AND status_code <> 404 AS refused, is_login AND status_code < 400 AS accepted "
        f"FROM (SELECT *, {is_login(limits)} AS is_login FROM {rows} WHERE ip IS NOT NULL)"
    )


def _names(column: str, where: str, most: int) -> str:
    """Returns SQL: up to `most` different values, chosen by hash, as the first ones are alike."""
    pair = f"{{'lot': md5({column}), 'name': {column}}}"
    names = f"list(DISTINCT {pair}) FILTER ({where} AND {column} IS NOT NULL)"
    return f"coalesce(list_transform(list_sort({names})[1:{most}], lambda one: one.name), [])"


_BY_ADDRESS = (
    f"SELECT minute, ip, {HASH.format('ip')} AS mark, count(*) AS requests, "
    "count(*) FILTER (dynamic) AS dynamic, count(*) FILTER (client_error) AS client_errors, "
    f"{_names('path', 'client_error', _MOST_PATHS)} AS error_paths, "
    "count(*) FILTER (refused) AS refused, count(*) FILTER (accepted) AS accepted, "
    f"{_names('name', 'refused', MOST_NAMES)} AS users, "
    "count(*) FILTER (path IN (SELECT path FROM attacks)) AS attacks "
    "FROM asked GROUP BY minute, ip ORDER BY minute, ip"
)


def _judged(rows: pa.Table, exempt: Exempt) -> pa.Table:
    if not exempt:
        return rows
    return rows.filter(pa.array([ip not in exempt for ip in rows["ip"].to_pylist()], pa.bool_()))


def _minute(at: int, rows: pa.Table, limits: Limits) -> AddressMinutes:
    dynamic, marks = (np.asarray(rows[name].to_numpy(), np.int64) for name in ("dynamic", "mark"))
    heavy, dropped = _heaviest(rows, dynamic, limits)
    each = [*_each(rows.take(heavy).to_pylist())]
    return AddressMinutes(at, each, Crowd.of(dynamic), marks, dropped)


def _heaviest(rows: pa.Table, dynamic: Ints, limits: Limits) -> tuple[Ints, int]:
    """Returns the addresses that a rule may need, at most `most`, and how many others there are."""
    tried = [rows[name] for name in ("client_errors", "refused", "accepted", "attacks")]
    matter = sum(np.asarray(one.to_numpy(), np.int64) for one in tried)
    wanted = np.flatnonzero((matter > 0) | (dynamic >= limits.known_requests))
    over = len(wanted) - limits.most
    if over > 0:
        load = (dynamic + matter)[wanted]
        wanted = np.sort(wanted[np.argsort(load, kind="stable")[over:]])
    return wanted, max(over, 0)


def _each(rows: Iterable[dict[str, Any]]) -> Iterator[AddressMinute]:
    for row in rows:
        fields = {
            **row,
            "at": row["minute"],
            "ip": inert(row["ip"])[:_LONGEST_IP],
            "error_paths": sorted({_counted_as(path) for path in row["error_paths"]})[:MOST_NAMES],
            "users": [inert(user) for user in row["users"]],
        }
        yield msgspec.convert(fields, AddressMinute)


KEEP_MINUTES, KEPT = 10, 2


def address_snapshots(places: Places, config: Config) -> Snapshots:
    """Returns the snapshots of addresses, one each ten minutes."""
    return Snapshots(places, config, "addresses", KEPT)


class AddressDetection:
    """Folds the addresses of a lake, from the newest snapshot on."""

    def __init__(self, places: Places, config: Config) -> None:
        self._places = places
        self._snapshots = address_snapshots(places, config)
        newest = self._snapshots.newest(State, partial(Addresses.load, config))
        self.addresses = newest or Addresses(config)

    def changes(self, closed: DeltaTable) -> Iterator[dict[str, Incident]]:
        """Folds the minutes closed since; yields for each span the incidents that changed, by id.

        A snapshot is kept when the next span is asked for, so after these incidents are written.
        What a crash left unwritten is folded again, with the same result.
        """
        kept_at = self.addresses.folded_to
        for changed in folded(self._places, closed, self.addresses):
            yield changed
            now = self.addresses.folded_to
            if now // KEEP_MINUTES != kept_at // KEEP_MINUTES:
                self._snapshots.keep(f"{now:010d}", self.addresses.dump())
                kept_at = now


def folded(
    places: Places, closed: DeltaTable, addresses: Addresses
) -> Iterator[dict[str, Incident]]:
    """Yields, for each span of closed minutes not folded yet, the incidents that changed, by id."""
    after = start_of(addresses.folded_to) if addresses.folded_to >= 0 else None
    new = [*spans(closed, after)]
    if not new:
        return
    with counted(places, closed) as rows:
        for span in new:
            changes = [
                change
                for minute in minutes_of(rows, span, addresses.config.addresses)
                for change in addresses.fold(minute)
            ]
            yield {change.incident_id: change for change in changes}
