"""What upkeep did to a table, and what comes next, in words."""

from __future__ import annotations

from lakehouse.maintenance import Retained, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.terminal.options import HUMANE

INGESTED = (LOGS.name, QUARANTINE.name)


def optimized(told: Upkeep) -> str:
    """After OPTIMIZE."""
    return f"{told.operation} {told.table}: rows and older versions are as they were"


def vacuumed(told: Upkeep, dry_run: bool) -> str:
    """After VACUUM."""
    if dry_run:
        return f"VACUUM {told.table}: {told.removed} files would go; nothing was deleted"
    return (
        f"VACUUM {told.table}: {told.removed} files are gone; "
        f"the oldest version that can be read is {told.after.oldest_version}"
    )


def retained(told: Retained, dry_run: bool) -> str:
    """After `retain`."""
    if not told.gone:
        return f"RETAIN {told.table}: no date before {told.first} is there; nothing was deleted"
    rows = (
        "?"
        if told.before.rows is None or told.after.rows is None
        else (f"{told.before.rows - told.after.rows:,}")
    )
    size = HUMANE["bytes"](told.before.bytes - told.after.bytes)
    what = (
        f"RETAIN {told.table}: {len(told.gone)} dates from {told.gone[0]} to {told.gone[-1]}, "
        f"{rows} rows, {size} in {told.removed} files"
    )
    if dry_run:
        return f"{what} would go; nothing was deleted"
    return f"{what} are gone; older versions hold them until a vacuum"


def question(places: Places, table: str, version: int) -> str:
    """What `restore` asks first."""
    newest = shape(places, table)
    then = open_table(places, table, version).count()
    now = "an unknown number of" if newest.rows is None else f"{newest.rows:,}"
    return (
        f"restore {table} from version {newest.version} ({now} rows) "
        f"to version {version} ({then:,} rows)?"
    )


def restored(told: Upkeep, version: int) -> str:
    """After `restore`."""
    return (
        f"RESTORE {told.table}: the newest version has the rows of version {version}; "
        f"nothing was deleted\n{afterwards(told.table, version)}"
    )


def afterwards(table: str, version: int) -> str:
    """What streams have to do after `restore`."""
    if table in INGESTED:
        return (
            f"next: ingest holds what came after version {version} for done, so bring it again:\n"
            "  1. logpond recover ingest   starts at the first record missing, if Kafka has it\n"
            "  2. logpond stream\n"
            "  3. logpond import --again   brings files that were imported since\n"
            "  4. logpond reconcile        recounts the windows"
        )
    return f"next: logpond reconcile   recounts the windows that {table} lacks now"
