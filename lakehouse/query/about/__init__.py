"""DESCRIBE HISTORY and DESCRIBE DETAIL without a JVM, with the columns that Spark has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakehouse.errors import SettingsError
from lakehouse.query import pinned
from lakehouse.query.about.detail import detail
from lakehouse.query.about.history import history
from lakehouse.query.statement import Statement, about

if TYPE_CHECKING:
    import pyarrow as pa

    from lakehouse.paths import Places
    from lakehouse.settings import Sql

LIMIT = re.compile(r"LIMIT\s+(\d{1,9})", re.I)
FORMS = "write DESCRIBE HISTORY logs [LIMIT 10] or DESCRIBE DETAIL logs"


def ask(places: Places, statement: Statement, limits: Sql | None = None) -> pa.Table:
    """Returns the answer to one of the two statements.

    Raises TableError where there is no such table, and SettingsError for further words.
    """
    what, wanted, rest = about(statement)
    name, limit = named(places, wanted), LIMIT.fullmatch(rest)
    if rest and not (limit and what == "HISTORY"):
        raise SettingsError(f"DESCRIBE {what} has no {rest[:100]}", FORMS)
    if what == "DETAIL":
        return detail(places, name)
    return history(places, name, int(limit[1]) if limit else None, limits)


def named(places: Places, wanted: str) -> str:
    """Returns the table of a name, in whatever case. Raises TableError where there is none."""
    name = pinned.known(places, wanted)
    if name is None:
        raise pinned.absent(places, wanted)
    return name
