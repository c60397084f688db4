"""What a text asks for, before an engine sees it: to read, or something else. Pure.

Only the first words are looked at. Which tables it reads, each engine says by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from lakehouse.errors import SettingsError

# Blanks, brackets and comments before a word.
SKIPPED = re.compile(r"(?:[\s(;]|--[^\n]*|/\*.*?(?:\*/|$))*", re.DOTALL)
WORD, HALF = re.compile(r"\w+"), re.compile("[\ud800-\udfff]")
ABOUT_TABLE = re.compile(
    r"(?:DESCRIBE|DESC)\s+(HISTORY|DETAIL)\s+([`\"]?)([\w-]+)\2\s*(.*)", re.I | re.DOTALL
)
LISTING = re.compile(r"(?:SHOW(?:\s+(?:ALL\s+)?TABLES)?|DESCRIBE|DESC)", re.I)
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
HOW_TO_EXPLAIN = {"EXPLAIN", "ANALYZE", "EXTENDED", "FORMATTED"}
UPKEEP = {"OPTIMIZE", "VACUUM", "RESTORE", "REORG"}
WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE")
TO_FILE = "for a file, ask with SELECT: the page SQL and `logpond sql --format csv >FILE` save rows"
INSTEAD = {
    **dict.fromkeys(WRITING, "rows come in by `logpond stream` and `logpond replay-quarantine`"),
    **dict.fromkeys(("CREATE", "ALTER", "DROP", "TRUNCATE"), "tables are made by what writes them"),
    "COPY": TO_FILE,
    "EXPORT": TO_FILE,
    "VACUUM": "in a terminal: logpond sql 'VACUUM logs [RETAIN 168 HOURS] [DRY RUN]'",
    "OPTIMIZE": "in a terminal: logpond sql 'OPTIMIZE logs [ZORDER BY (endpoint, status_code)]'",
}


class Kind(Enum):
    """What a statement does. Upkeep is recognised, so that its commands can run it."""

    READ = "read"
    LIST = "list the tables"
    ABOUT = "about"
    UPKEEP = "upkeep"
    WRITE = "write"


@dataclass(frozen=True)
class Statement:
    """One statement: its kind, its first word, and its text from there on.

    `explained` is what an EXPLAIN is about, after the words `explains`; else it is the whole text.
    """

    sql: str
    kind: Kind
    verb: str
    explained: str
    explains: str = ""


def recognise(sql: str) -> Statement:
    """The statement in a text, which need not be right; SettingsError where there is none."""
    if HALF.search(sql):
        raise SettingsError("a statement is text in UTF-8, and this is not", "write it anew")
    first = next(_words(sql), None)
    if not first:
        raise SettingsError("there is no statement", "write one, as SELECT COUNT(*) FROM logs")
    text = sql.strip().rstrip("; \n")
    words = [*takewhile(lambda word: word[0].upper() in HOW_TO_EXPLAIN, _words(text))]
    explained = text[words[-1].end() if words else 0 :]
    verb, explains = first[0].upper(), "".join(f"{word[0]} " for word in words)
    kind = _kind(sql[first.start() :], verb, explained)
    return Statement(text, kind, verb, explained, explains)


def readable(statement: Statement) -> Statement:
    """Returns the statement if it only reads; otherwise raises SettingsError with what to use."""
    if statement.kind in (Kind.READ, Kind.LIST, Kind.ABOUT):
        return statement
    raise SettingsError(
        f"a statement only reads, and {statement.verb} does something else",
        INSTEAD.get(statement.verb, "ask with SELECT, WITH, VALUES, DESCRIBE, SHOW or EXPLAIN"),
    )


def about(statement: Statement) -> tuple[str, str, str]:
    """Returns what is asked about a table, HISTORY or DETAIL, its name, and the words behind."""
    at = SKIPPED.match(statement.sql)
    found = ABOUT_TABLE.fullmatch(statement.sql, at.end() if at else 0)
    assert found
    return found[1].upper(), found[3], found[4].strip()


def _words(sql: str) -> Iterator[re.Match[str]]:
    """The words that a text begins with, whatever stands between them."""
    at = SKIPPED.match(sql)
    while at and (word := WORD.match(sql, at.end())):
        yield word
        at = SKIPPED.match(sql, word.end())


def _kind(text: str, verb: str, explained: str) -> Kind:
    """The kind of a statement; `text` begins with its verb."""
    plain = text.rstrip("; \n")
    if ABOUT_TABLE.fullmatch(plain):
        return Kind.ABOUT
    if LISTING.fullmatch(plain):
        return Kind.LIST
    if verb in UPKEEP:
        return Kind.UPKEEP
    word = next(_words(explained), None)
    return Kind.READ if word and word[0].upper() in READING else Kind.WRITE
