"""A shorter past by days: whole dates of a table are deleted, and where that ends is noted."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction

from lakehouse.duck import connect, create_view
from lakehouse.errors import SettingsError, TableError
from lakehouse.ingest.absent import COLUMNS, Absent
from lakehouse.maintenance.retention_marks import raised
from lakehouse.maintenance.size import SMALL_BYTES, Shape, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import open_table, table_or_none
from lakehouse.store.retry import retried
from lakehouse.tables.catalog import LOGS, QUARANTINE

RUNS = """
SELECT _topic, _partition, min(_offset) AS first_, max(_offset) AS last_ FROM (
    SELECT *, _offset - row_number() OVER (PARTITION BY _topic, _partition ORDER BY _offset) AS run
    FROM (SELECT DISTINCT _topic, _partition, _offset FROM doomed AS d
          WHERE date < $first AND {and_open}))
GROUP BY _topic, _partition, run
"""
# A reject that was replayed is a row of `logs` by now, and stays under the promise.
OPEN = """
NOT EXISTS (SELECT 1 FROM logs
    WHERE _topic = d._topic AND _partition = d._partition AND _offset = d._offset)
"""


@dataclass(frozen=True)
class Retained(Upkeep):
    """What a `retain` deleted, or would delete in a dry run; `after` then is how it would be.

    `first` is the first date to keep, None where the table is empty; `gone` and `kept` are dates.
    """

    first: date | None = None
    gone: tuple[date, ...] = ()
    kept: tuple[date, ...] = ()


def retain(places: Places, name: str, days: int, dry_run: bool = False) -> Retained:
    """Delete the dates more than `days` days before the newest date in the table, in one commit.

    The clock is the rows' own (`date`), not the wall's: the same table gives the same answer
    whenever it is asked, a lake that stood still for a month is not emptied, and of an import of
    old logs the newest days are kept too. No event is ahead of its broker by more than minutes,
    so no wrong clock can push the newest date far. The newest date has only begun, so `days` days
    before it are kept as well. Streams read on, if they skip commits that change rows; older
    versions hold the rows until a vacuum.

    SettingsError for less than a day; TableError where others kept winning, or without `date`.
    """
    if days < 1:
        raise SettingsError("retention must keep a day at least", "give --days 1 or more")
    found = open_table(places, name)
    before = shape(places, name)
    told = _planned(found, name, days, before)
    if told.gone and not dry_run:
        told = retried(places, name, lambda at: _delete(places, at, name, days, before))
        told = replace(told, after=shape(places, name))
    return told


def _delete(places: Places, at: DeltaTable, name: str, days: int, before: Shape) -> Retained:
    """Seen, noted and deleted from one state; a row that came to those dates since conflicts.

    Which rows go is noted before they do: cut off in between, rows are there that need not be.
    """
    told = _planned(at, name, days, before)
    if told.first and told.gone:
        now = int(time.time() * 1000)
        _note(places, at, name, told.first)
        done = [Transaction(app, to, now) for app, to in raised(at, told.first).items()]
        where = f"date < '{told.first}'"
        at.delete(where, commit_properties=CommitProperties(app_transactions=done))
    return told


def _planned(at: DeltaTable, name: str, days: int, before: Shape) -> Retained:
    """What would go from this state, and what would be left."""
    files = _files(at, name)
    newest = max((file["date"] for file in files), default=None)
    first = None if newest is None else newest - timedelta(days=days)
    going = [file for file in files if first and file["date"] < first]
    gone = {file["date"] for file in going}
    kept = {file["date"] for file in files} - gone
    after = _without(before, going)
    return Retained(
        name, "RETAIN", before, after, len(going), first, tuple(sorted(gone)), tuple(sorted(kept))
    )


def _files(at: DeltaTable, name: str) -> list[dict[str, Any]]:
    if "date" not in at.metadata().partition_columns:
        raise TableError(f"table {name} is not partitioned by date", "it has no days to keep")
    adds = pa.table(at.get_add_actions(flatten=True))
    names = {"date": "partition.date", "rows": "num_records", "bytes": "size_bytes"}
    found = pa.table({short: adds[of] for short, of in names.items()})
    return [*found.to_pylist()]


def _without(before: Shape, going: list[dict[str, Any]]) -> Shape:
    return replace(
        before,
        rows=None if before.rows is None else before.rows - sum(file["rows"] for file in going),
        files=before.files - len(going),
        small_files=before.small_files - sum(file["bytes"] < SMALL_BYTES for file in going),
        bytes=before.bytes - sum(file["bytes"] for file in going),
    )


def _note(places: Places, at: DeltaTable, name: str, first: date) -> None:
    """Write down the offsets of the rows that go."""
    if "_offset" not in {field.name for field in at.schema().fields}:
        return
    with connect() as connection:
        create_view(connection, "doomed", places.table(name), at)
        logs = table_or_none(places, LOGS) if name == QUARANTINE.name else None
        if logs is not None:
            create_view(connection, LOGS.name, places.table(LOGS), logs)
        sql = RUNS.format(and_open="true" if logs is None else OPEN)
        rows = connection.sql(sql, params={"first": first}).to_arrow_table().cast(COLUMNS)
    absent = Absent(places)
    absent.note("retained", f"{name}-{first}-{uuid.uuid4().hex[:8]}", rows)
    absent.tidy("retained")
