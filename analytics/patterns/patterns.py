"""Patterns of a lake's messages: counted by an engine with numbers masked, then folded by Drain.

The engine leaves one row for messages that differ in numbers alone: a hundredth of them or less.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import pyarrow as pa

from lakehouse.errors import LogpondError
from lakehouse.http.asker import asker
from lakehouse.patterns.drain import VARIABLE, Drain, Template
from lakehouse.patterns.mask import LINE, MASKED

MOST_GROUPS = 50_000
OTHERS = "(all other lines)"
# Lines that all differ take long: they are folded for so many seconds, and for who still waits.
PATIENCE_SECONDS = 20.0
# `{recent}` says which rows count; `{all}` is how an engine is told to replace all numbers.
SQL = f"""
SELECT service, masked, level, COUNT(*) AS lines, MIN(timestamp) AS first_seen,
    MAX(timestamp) AS last_seen, MIN(line) AS example, SUM(COUNT(*)) OVER () AS total
FROM (
    SELECT service, coalesce(level, '-') AS level, timestamp, line,
        regexp_replace(line, '{MASKED.replace("{", "{{").replace("}", "}}")}', '{VARIABLE}'{{all}})
            AS masked
    FROM (
        SELECT service, level, timestamp, {LINE} AS line
        FROM logs WHERE message IS NOT NULL AND {{recent}}))
GROUP BY service, masked, level
ORDER BY lines DESC, service, masked, level
LIMIT {MOST_GROUPS}
"""
COLUMNS = pa.schema(
    [
        ("service", pa.string()),
        ("pattern", pa.string()),
        ("lines", pa.int64()),
        ("levels", pa.string()),
        ("first_seen", pa.timestamp("us", "UTC")),
        ("last_seen", pa.timestamp("us", "UTC")),
        ("example", pa.string()),
    ]
)
Row = Mapping[str, Any]


@dataclass
class Pattern:
    """Lines of a service with one template."""

    template: Template | None
    lines: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    example: str = ""

    def add(self, row: Row) -> None:
        """Count the lines of a row."""
        self.lines += row["lines"]
        self.levels[row["level"]] += row["lines"]
        self.example = self.example or row["example"]
        self.first_seen = min(filter(None, (self.first_seen, row["first_seen"])))
        self.last_seen = max(filter(None, (self.last_seen, row["last_seen"])))

    def row(self, service: str) -> dict[str, Any]:
        """The pattern as a row of the answer."""
        most = sorted(self.levels.items(), key=lambda of: (-of[1], of[0]))
        levels = ", ".join(f"{name} {lines:,}" for name, lines in most)
        return {
            "service": service,
            "pattern": str(self.template) if self.template else OTHERS,
            "lines": self.lines,
            "levels": levels,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "example": self.example,
        }


def folded(groups: pa.Table, limit: int, new_since: datetime | None = None) -> pa.Table:
    """Patterns with the most lines first, out of the rows of `SQL`.

    With `new_since` only those of which no line is older. Lines that are in no pattern, as there
    are too many, are counted in a row of their own.
    """
    rows = groups.to_pylist()
    found = [row for row in rows_of(rows) if new_since is None or row["first_seen"] >= new_since]
    ordered = sorted(found, key=lambda row: (-row["lines"], row["service"], row["pattern"]))
    left = int(rows[0]["total"]) - sum(row["lines"] for row in rows) if rows else 0
    rest = [{"pattern": OTHERS, "lines": left}] if left else []
    return pa.Table.from_pylist([*ordered[:limit], *rest], COLUMNS)


def rows_of(groups: Iterable[Row]) -> list[dict[str, Any]]:
    """All patterns as rows of COLUMNS, out of the rows of `SQL`.

    Raises Gone once nobody waits for them, LogpondError where it takes longer than 20 s.
    """
    found = _patterns(groups).items()
    return [pattern.row(service) for service, patterns in found for pattern in patterns]


def _patterns(rows: Iterable[Row]) -> dict[str, list[Pattern]]:
    """The patterns of each service; older messages make templates before newer ones."""
    drains: dict[str, Drain] = defaultdict(Drain)
    found: dict[str, dict[int, Pattern]] = defaultdict(dict)
    ordered = sorted(rows, key=lambda row: (row["first_seen"], row["masked"], row["level"]))
    for row in _in_time(ordered):
        template = drains[row["service"]].template(row["masked"])
        pattern = found[row["service"]].setdefault(id(template), Pattern(template))
        pattern.add(row)
    return {service: [*patterns.values()] for service, patterns in found.items()}


def _in_time(rows: Iterable[Row]) -> Iterator[Row]:
    """Yields the rows. Raises Gone once nobody waits for them, LogpondError where it takes long."""
    who, until = asker(), monotonic() + PATIENCE_SECONDS
    for row in rows:
        who.check()
        if monotonic() > until:
            what = f"lines differ so much that no patterns were found within {PATIENCE_SECONDS:g} s"
            raise LogpondError(what, "`logpond report patterns --since 1h` reads fewer")
        yield row
