"""What makes the schemas of the catalog, without rows. Pure."""

from __future__ import annotations

import re

from analytics.postgres.catalog.functions import macros
from analytics.postgres.catalog.information_schema import INFORMATION_SCHEMA, NONE_OF
from analytics.postgres.catalog.pg_catalog import TABLES, TYPES, VIEWS


def columns(line: str) -> tuple[str, str]:
    """Returns the name of a table, and its columns as CREATE TABLE has them."""
    name, _, listed = " ".join(line.split()).partition(": ")
    found = []
    for column in listed.split(", "):
        head, *default = column.split(" ", 2)[:2], *column.split(" ", 2)[2:]
        found.append(" ".join(head) + (f" DEFAULT {default[0]}" if default else ""))
    return name, ", ".join(found)


def statements(version: str) -> list[str]:
    """Returns what makes the schemas `pgc` and `pgi`, with no rows in them."""
    made = [f"CREATE TYPE pgc.{name} AS {of}" for name, of in TYPES.items()]
    for schema, lines in (("pgc", TABLES), ("pgi", NONE_OF)):
        for name, listed in map(columns, re.split(r"\n(?=\S)", lines.strip())):
            made.append(f"CREATE TABLE pgc.{name} ({listed})".replace("pgc.", f"{schema}.", 1))
    made.append("CREATE TABLE pgc.names (name text, oid oid)")
    made += [f"CREATE MACRO pgc.{one}" for one in macros(version)]
    made += [f"CREATE VIEW pgc.{name} AS {select}" for name, select in VIEWS.items()]
    return made + [f"CREATE VIEW pgi.{name} AS {of}" for name, of in INFORMATION_SCHEMA.items()]
