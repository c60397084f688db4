"""Counts the lines of closed minutes that are no requests, with their variable parts masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from anomaly.engine.config import Patterns as Limits
from anomaly.engine.incident import Incident
from anomaly.lake.counted import AT, Counted, Span
from anomaly.lake.minutes import inert
from anomaly.patterns.minute import CUT, MaskedLine, PatternMinute
from lakehouse.duck import literal
from lakehouse.event.severity import ERROR
from lakehouse.patterns.drain import VARIABLE
from lakehouse.patterns.mask import LINE, MASKED

# The most different lines of a service and minute, and of a minute; the most frequent count.
MOST_OF_SERVICE, MOST_OF_MINUTE = 200, 5000
_LONGEST_SERVICE = 200
IS_LINE = "status_code IS NULL AND message IS NOT NULL"
_UNKNOWN = "\ufffd"
# Of dates within a line these change, too: a new month is no new pattern.
_DAYS = "Mon Tue Wed Thu Fri Sat Sun"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_NAMES = frozenset(f"{_DAYS} {_MONTHS}".split())


def minutes_of(counted: Counted, span: Span, limits: Limits) -> Iterator[PatternMinute]:
    """Yields all minutes of a span in order, also those without a line."""
    first, end = (int(at.timestamp()) // 60 for at in span)
    rows = counted.connection.sql(_lines(counted.rows(span), limits)).fetchall()
    found = {at: [*each] for at, each in groupby(rows, key=lambda row: row[0])}
    for at in range(first, end):
        lines = (MaskedLine(inert(row[1]), _text(row[2]), *row[3:]) for row in found.get(at, ()))
        yield PatternMinute(at, [line for line in lines if line.text])


def _text(line: str) -> str:
    words = (VARIABLE if word in _NAMES else word for word in line.split())
    return inert(" ".join(words))


def _lines(rows: str, limits: Limits) -> str:
    """Returns SQL: minute, service, masked line, and how many lines there are of it."""
    service = f"left(service, {_LONGEST_SERVICE})"
    masked = f"regexp_replace({LINE}, {literal(MASKED)}, {literal(VARIABLE)}, 'g')"
    severe = f"severity_number IS NULL OR severity_number >= {limits.severity}"
    counts = (
        f"SELECT {AT} AS minute, {service} AS service, {masked} AS line, count(*) AS lines, "
        f"count(*) FILTER ({severe}) AS severe, "
        f"count(*) FILTER (severity_number >= {ERROR}) AS errors "
        f"FROM {rows} WHERE {IS_LINE} GROUP BY ALL"
    )
    of_service = "row_number() OVER (PARTITION BY minute, service ORDER BY lines DESC, line)"
    of_minute = "row_number() OVER (PARTITION BY minute ORDER BY lines DESC, service, line)"
    return (
        f"SELECT * FROM ({counts}) QUALIFY {of_service} <= {MOST_OF_SERVICE} "
        f"AND {of_minute} <= {MOST_OF_MINUTE} ORDER BY minute, service, lines DESC, line"
    )


def lines_of(one: Incident) -> str:
    """Returns a condition in SQL on rows with a column `line`: those of an incident's pattern."""
    name = one.key.removeprefix(f"{one.service} ")
    is_cut = name.endswith(CUT)
    words = name.removesuffix(CUT).split()
    escaped = (re.escape(word) for word in words)
    text = r"\s+".join(escaped).replace(re.escape(VARIABLE), ".*").replace(_UNKNOWN, ".")
    pattern = r"^\s*" + text + ("" if is_cut else r"\s*$")
    return f"status_code IS NULL AND regexp_matches(line, {literal(pattern)})"
