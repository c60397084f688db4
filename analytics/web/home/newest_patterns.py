"""The patterns of messages that began last, among the newest lines of a lake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics.patterns.patterns import OTHERS, SQL, rows_of
from analytics.reports.report import REPLACE_ALL
from analytics.web.lake.lake import Snapshot
from lakehouse.patterns.drain import VARIABLE
from lakehouse.query.search import edit
from lakehouse.query.search.fields import FIELDS
from lakehouse.query.search.tokens import FORBIDDEN, quoted
from lakehouse.tables.catalog import LOGS

MOST, LINES, MOST_WORDS, LONGEST = 8, 100_000, 5, 120


@dataclass(frozen=True)
class NewPattern:
    """Lines of a service that are alike; `query` asks for lines with the same words."""

    service: str
    pattern: str
    lines: int
    levels: str
    first_seen: datetime
    example: str
    query: str


def newest_patterns(snapshot: Snapshot) -> list[NewPattern]:
    """Those whose first line is the newest, of the files with the newest 100,000 rows."""
    logs = snapshot.need(LOGS.name)
    statement = SQL.format(recent="true", all=REPLACE_ALL["duckdb"])
    groups = snapshot.ask(statement, logs=logs.newest_files("timestamp", LINES))
    rows = [row for row in rows_of(groups) if row["pattern"] != OTHERS]
    newest = sorted(rows, key=lambda row: row["first_seen"], reverse=True)[:MOST]
    return [NewPattern(**_facts(row), query=_query(row)) for row in newest]


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in NewPattern.__dataclass_fields__ if name != "query"}


def _query(row: dict[str, Any]) -> str:
    """The service and the longest words that all lines of a pattern have, as far as it can ask."""
    words = {word for word in row["pattern"].split() if VARIABLE not in word}
    askable = [word for word in words if len(word) <= LONGEST and not FORBIDDEN.search(word)]
    longest = sorted(askable, key=lambda word: (-len(word), word))[:MOST_WORDS]
    terms = [edit.term(FIELDS["service"], row["service"]), *map(quoted, longest)]
    return " ".join(filter(None, terms))
