"""Counts closed minutes of addresses from `logs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anomaly.addresses.minute import MOST_NAMES, AddressMinute, AddressMinutes, Crowd, mark
from anomaly.addresses.networks import Networks
from anomaly.addresses.probe import counted_as, is_hostile
from anomaly.engine.columns import Ints
from anomaly.engine.config import Addresses as Limits
from anomaly.lake.counted import AT, Counted, Span
from anomaly.lake.minutes import inert
from lakehouse.duck import literal
from lakehouse.event.user_agents import CRAWLERS, SCANNER
from lakehouse.tables.measures import HASH

# What is not made for one visitor alone.
STATIC = r"\.(?:avif|bmp|css|gif|ico|jpe?g|js|map|mp4|png|svg|ttf|webm|webp|woff2?)$"
# A try is a write: a form that is only shown is none.
_READS = "('GET', 'HEAD', 'OPTIONS')"
_LONGEST_IP = 64
_SCANNER, _CRAWLERS = literal(SCANNER), ", ".join(map(literal, CRAWLERS))


class _Path(NamedTuple):
    """What a path is: the mark of the name that it counts as, and whether it is hostile."""

    mark: int
    hostile: bool


@lru_cache(1 << 16)
def _path(path: str) -> _Path:
    return _Path(mark(counted_as(path)), is_hostile(path))


def minutes_of(counted: Counted, span: Span, limits: Limits) -> Iterator[AddressMinutes]:
    """Yields the minutes of a span that have rows, in order."""
    connection = counted.connection
    asked = _asked(counted.rows(span), limits)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {asked}")
    paths = [path for (path,) in connection.sql("SELECT DISTINCT path FROM asked").fetchall()]
    connection.register("paths", _paths([path for path in paths if path is not None]))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE tried AS {_TRIED}")
    in_minute = dict(connection.sql(_BY_MINUTE).fetchall())
    rows = connection.sql(_BY_ADDRESS).to_arrow_table().combine_chunks()
    starts = np.asarray(rows["minute"].to_numpy(), np.int64)
    bounds = np.flatnonzero(np.diff(starts, prepend=-1, append=-1))
    exempt = Networks((*limits.ignore, *limits.trusted_proxies))
    for first, end in pairwise(bounds):
        at, judged = int(starts[first]), _judged(rows.slice(first, end - first), exempt)
        yield _minute(at, judged, np.array(in_minute.get(at, []), np.int64), limits)


def _paths(paths: list[str]) -> pa.Table:
    known = [_path(path) for path in paths]
    return pa.table(
        {
            "path": pa.array(paths, pa.string()),
            "mark": pa.array([one.mark for one in known], pa.int64()),
            "hostile": pa.array([one.hostile for one in known], pa.bool_()),
        }
    )


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
        "coalesce(status_code >= 400, false) AS failed, is_login AND status_code BETWEEN 400 "
        "AND 499 AND status_code <> 404 AS refused, is_login AND status_code < 400 AS accepted, "
        f"coalesce(method, 'GET') NOT IN {_READS} AS writes, client_family = {_SCANNER} AS agent, "
        f"client_family IN ({_CRAWLERS}) AS crawls "
        f"FROM (SELECT *, {is_login(limits)} AS is_login FROM {rows} WHERE ip IS NOT NULL)"
    )


# A row for each minute, address and name of a path.
_TRIED = (
    "SELECT minute, ip, mark, bool_or(dynamic) AS dynamic, bool_or(dynamic AND failed) AS failing, "
    "bool_or(hostile) AS strange FROM asked JOIN paths USING (path) GROUP BY ALL"
)
_BY_MINUTE = (
    "SELECT minute, list(DISTINCT mark ORDER BY mark) FROM tried WHERE dynamic GROUP BY ALL"
)
# The smallest marks: as good as any, as they are hashes, and always the same.
_MARKS = f"coalesce(list_sort(list(mark) FILTER ({{}}))[1:{MOST_NAMES}], [])"
_OWN = (
    f"own AS (SELECT minute, ip, {_MARKS.format('failing AND NOT fails')} AS failing, "
    f"{_MARKS.format('strange')} AS strange, {_MARKS.format('dynamic AND asked = 1')} AS alone "
    "FROM (SELECT minute, ip, mark, dynamic, failing, strange, asked, failed > 1 AS fails "
    "FROM tried JOIN (SELECT minute, mark, count(*) AS asked, count(*) FILTER (failing) AS failed "
    "FROM tried GROUP BY ALL) USING (minute, mark)) GROUP BY ALL)"
)
_USERS = (
    "coalesce(list_transform(list_sort(list(DISTINCT {'lot': md5(name), 'name': name}) FILTER "
    f"(refused AND name IS NOT NULL))[1:{MOST_NAMES}], lambda one: one.name), [])"
)
_BY_ADDRESS = (
    f"WITH {_OWN}, counts AS (SELECT minute, ip, {HASH.format('ip')} AS mark, "
    "count(*) AS requests, count(*) FILTER (dynamic) AS dynamic, "
    "count(*) FILTER (dynamic AND failed) AS failed, count(*) FILTER (writes) AS writes, "
    "count(*) FILTER (refused) AS refused, count(*) FILTER (accepted) AS accepted, "
    f"{_USERS} AS users, count(*) FILTER (hostile) AS hostile, "
    "count(*) FILTER (agent) AS agents, count(*) FILTER (crawls) AS crawls "
    "FROM asked LEFT JOIN paths USING (path) GROUP BY ALL) "
    "SELECT counts.*, coalesce(failing, []) AS failing, coalesce(strange, []) AS strange, "
    "coalesce(alone, []) AS alone FROM counts LEFT JOIN own USING (minute, ip) ORDER BY minute, ip"
)
_SUMS = ("requests", "failed", "hostile", "writes")


def _judged(rows: pa.Table, exempt: Networks) -> pa.Table:
    if not exempt:
        return rows
    return rows.filter(pa.array([ip not in exempt for ip in rows["ip"].to_pylist()], pa.bool_()))


def _minute(at: int, rows: pa.Table, paths: Ints, limits: Limits) -> AddressMinutes:
    dynamic, marks = (np.asarray(rows[name].to_numpy(), np.int64) for name in ("dynamic", "mark"))
    heavy, dropped = _heaviest(rows, dynamic, limits)
    each = [*_each(rows.take(heavy).to_pylist())]
    sums = [float(pc.sum(rows[name]).as_py() or 0) for name in _SUMS]
    return AddressMinutes(at, each, Crowd.of(dynamic, sums), marks, paths, dropped)


def _heaviest(rows: pa.Table, dynamic: Ints, limits: Limits) -> tuple[Ints, int]:
    """Returns the addresses that a rule may need, at most `most`, and how many others there are."""
    tried = [rows[name] for name in ("failed", "refused", "accepted", "hostile", "agents")]
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
            "users": [inert(user) for user in row["users"]],
        }
        yield msgspec.convert(fields, AddressMinute)
