"""What a text asks for, before an engine sees it: to read, or something else. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lakehouse.errors import SettingsError

NOISE = re.compile(r"--[^\n]*|/\*.*?(?:\*/|$)|'(?:[^']|'')*'", re.DOTALL)
WORD = re.compile(r"\w+")
ABOUT_TABLE = re.compile(
    r"^\W*(?:DESCRIBE|DESC)\s+(HISTORY|DETAIL)\s+([`\"]?)([\w-]+)\2\s*(.*)$", re.I | re.DOTALL
)
READING = {
    "SELECT",
    "WITH",
    "FROM",
    "VALUES",
    "TABLE",
    "PIVOT",
    "UNPIVOT",
    "DESCRIBE",
    "DESC",
    "SHOW",
    "SUMMARIZE",
    "EXPLAIN",
}
UPKEEP = {"OPTIMIZE", "VACUUM", "RESTORE", "REORG"}
WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE")
INSTEAD = {
    **dict.fromkeys(WRITING, "rows come in by `logpond stream` and `logpond replay-quarantine`"),
    **dict.fromkeys(("CREATE", "ALTER", "DROP", "TRUNCATE"), "tables are made by what writes them"),
    "COPY": "for a file, use --format csv and redirect the output",
    "EXPORT": "for a file, use --format csv and redirect the output",
    "VACUUM": "write VACUUM logs [RETAIN 168 HOURS] [DRY RUN]",
    "OPTIMIZE": "write OPTIMIZE logs [ZORDER BY (endpoint, status_code)]",
}


class Kind(Enum):
    """What a statement does. Upkeep is told apart, so that it can be routed to its commands."""

    READ = "read"
    ABOUT = "about"
    UPKEEP = "upkeep"
    WRITE = "write"


@dataclass(frozen=True)
class Statement:
    """One statement: its kind, first word, and the words a table may be named by (lower case)."""

    sql: str
    kind: Kind
    verb: str
    words: frozenset[str]


def recognise(sql: str) -> Statement:
    """The statement in a text, which need not be right; SettingsError where there is none."""
    bare = NOISE.sub(" ", sql)
    listed = WORD.findall(bare)
    if not listed:
        raise SettingsError("there is no statement", 'logpond sql "SELECT COUNT(*) FROM logs"')
    words = frozenset(word.lower() for word in listed) | frozenset(
        name.lower() for name in re.findall(r'[`"]([^`"]+)[`"]', bare)
    )
    kind = _kind(bare, listed)
    text = bare if kind is Kind.ABOUT else sql
    return Statement(text.strip().rstrip("; \n"), kind, listed[0].upper(), words)


def readable(statement: Statement) -> Statement:
    """The same statement, if it only reads; SettingsError says what does the rest."""
    if statement.kind in (Kind.READ, Kind.ABOUT):
        return statement
    raise SettingsError(
        f"`logpond sql` only reads, and {statement.verb} does something else",
        INSTEAD.get(statement.verb, "ask with SELECT, WITH, VALUES, DESCRIBE, SHOW or EXPLAIN"),
    )


def _kind(bare: str, listed: list[str]) -> Kind:
    verb = listed[0].upper()
    if ABOUT_TABLE.match(bare):
        return Kind.ABOUT
    if verb in UPKEEP:
        return Kind.UPKEEP
    if verb == "EXPLAIN":
        inner = [w for w in listed[1:4] if w.upper() not in {"ANALYZE", "EXTENDED", "FORMATTED"}]
        return Kind.READ if inner and inner[0].upper() in READING else Kind.WRITE
    return Kind.READ if verb in READING else Kind.WRITE
