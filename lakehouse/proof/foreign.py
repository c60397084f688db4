"""Commits of other software to our tables: which they are, and whether rows changed.

Ours note their key, or move no rows: upkeep, properties, columns. Whatever else changed rows, or
was made by another engine than `deltalake`, is foreign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deltalake.exceptions import DeltaError

from lakehouse import store
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.store.log import Log
from lakehouse.store.read import NOTE
from lakehouse.tables.catalog import TABLES

ENGINE = "delta-rs:"
# What changes rows by `deltalake`: ours has a note or an application transaction.
ROWS = {"WRITE", "DELETE", "UPDATE", "MERGE", "STREAMING UPDATE"}
# What another engine does without a change to rows, columns or files that are read.
MOVES = {"OPTIMIZE", "REORG", "VACUUM START", "VACUUM END"}
NEWEST = 1000


@dataclass(frozen=True)
class ForeignCommit:
    """A commit that is none of ours; `is_harmless` where it moved rows and changed none."""

    table: str
    version: int
    operation: str
    engine: str
    is_harmless: bool


def foreign_commits(places: Places, newest: int = NEWEST) -> list[ForeignCommit]:
    """Returns those among the newest commits of each of our tables, the newest first."""
    there = [name for name in pinned.names(places) if name in TABLES]
    return [one for name in there for one in _of_table(places, name, newest)]


def summary(found: list[ForeignCommit]) -> str:
    """Returns in a line how many there are, and one of those that changed something, if any did."""
    one = min(found, key=lambda each: each.is_harmless)
    name = f"{one.table} version {one.version}: {one.operation} of {one.engine}"
    return f"{len(found)} by other software, as {name}"


def _of_table(places: Places, name: str, newest: int) -> Iterator[ForeignCommit]:
    log = Log(places, name)
    table = store.table_or_none(places, name)
    if table is None:
        return  # its making broke off: it has no commit yet
    try:
        infos = table.history(newest)
    except DeltaError:
        return  # trimmed meanwhile; whoever opens the table says what else is wrong with it
    for info in infos:
        version = int(info["version"])
        if is_foreign(log, version, info):
            operation = str(info.get("operation", ""))
            engine = str(info.get("engineInfo", "unknown"))
            yield ForeignCommit(name, version, operation, engine, operation in MOVES)


def is_foreign(log: Log, version: int, info: Mapping[str, Any]) -> bool:
    """Whether a commit is of other software, by its commitInfo and where needed its actions."""
    if not info:
        return False  # it was cleaned up, and says nothing any more
    if not str(info.get("engineInfo", "")).startswith(ENGINE):
        return True
    if info.get("operation") not in ROWS or NOTE in info:
        return False
    return not any("txn" in action for action in log.actions(version) or [])
