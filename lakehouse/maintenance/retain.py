"""Deletes whole dates of a table that are older than some days, and notes where that ends."""

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
from lakehouse.ingest.absent import OF_RULES, Absent
from lakehouse.maintenance.retention_marks import raised
from lakehouse.maintenance.size import SMALL_BYTES, Shape, Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import data_files, open_table, table_or_none
from lakehouse.store.lease.fence import checked
from lakehouse.store.read import NOTE
from lakehouse.store.retry import retried
from lakehouse.store.tags.tags import Tags
from lakehouse.tables import rejects
from lakehouse.tables.catalog import LOGS, QUARANTINE

RUNS = """
SELECT _topic, _partition, min(_offset) AS first_, max(_offset) AS last_, $rule AS rule FROM (
    SELECT *, _offset - row_number() OVER (PARTITION BY _topic, _partition ORDER BY _offset) AS run
    FROM (SELECT DISTINCT _topic, _partition, _offset FROM doomed AS d
          WHERE date < $first AND {where} AND {and_open}))
GROUP BY _topic, _partition, run
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
    """Deletes the dates more than `days` days before the newest date in the table, in one commit.

    The clock is the rows' own (`date`), not the wall's: the same table gives the same result at any
    time, a lake that stood still for a month is not emptied, and an import of old logs keeps its
    newest days. No event is ahead of its broker by more than minutes, so no wrong clock can push
    the newest date far. The newest date has only begun, so `days` days before it are kept as well.
    Streams continue if they skip commits that change rows; older versions have the rows until a
    vacuum.

    Raises SettingsError for less than a day; TableError without a column `date`, or where others
    kept winning.
    """
    if days < 1:
        raise SettingsError("retention must keep a day at least", "give --days 1 or more")
    found = open_table(places, name)
    before = shape(places, name)
    result = _planned(found, name, days, before)
    if result.gone and not dry_run:
        result = retried(places, name, lambda at: _delete(places, at, name, days, before))
        result = replace(result, after=shape(places, name))
    return replace(result, named=_named(places, found, name, result)) if result.gone else result


def _named(places: Places, found: DeltaTable, name: str, result: Retained) -> dict[str, int]:
    """Returns the versions that have a name and rows of the dates that go, by their names."""
    holding = dict[str, int]()
    for tag in Tags(places).valid(found, name):
        files = _files(open_table(places, name, tag.version), name)
        if any(file["date"] in result.gone for file in files):
            holding[tag.name] = tag.version
    return holding


def _delete(places: Places, at: DeltaTable, name: str, days: int, before: Shape) -> Retained:
    """Notes and deletes from one version; a commit to those dates since then is a conflict.

    The rows are noted first: after a crash in between, noted rows are still there, which is
    allowed.
    """
    result = _planned(at, name, days, before)
    if result.first and result.gone:
        now = int(time.time() * 1000)
        note(places, at, name, result.first, f"table {name}")
        done = [Transaction(app, to, now) for app, to in raised(at, result.first).items()]
        done += checked(places.fence, at)
        where = f"date < '{result.first}'"
        noted = {NOTE: f'{{"writer":"retain {days} days"}}'}
        by_us = CommitProperties(custom_metadata=noted, app_transactions=done)
        at.delete(where, commit_properties=by_us)
    return result


def _planned(at: DeltaTable, name: str, days: int, before: Shape) -> Retained:
    """Returns which dates of this version would be deleted, and what would be left."""
    files = _files(at, name)
    newest = max((file["date"] for file in files), default=None)
    first = None if newest is None else newest - timedelta(days=days)
    going = [file for file in files if first and file["date"] < first]
    gone = {file["date"] for file in going}
    kept = {file["date"] for file in files} - gone
    after = _without(before, going)
    return Retained(
        name,
        "RETAIN",
        before,
        after,
        len(going),
        first=first,
        gone=tuple(sorted(gone)),
        kept=tuple(sorted(kept)),
    )


def _files(at: DeltaTable, name: str) -> list[dict[str, Any]]:
    if "date" not in at.metadata().partition_columns:
        raise TableError(f"table {name} is not partitioned by date", "it has no days to keep")
    adds = data_files(at, flatten=True)
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


def note(
    places: Places, at: DeltaTable, name: str, first: date, rule: str, where: str = "true"
) -> None:
    """Notes the offsets of the rows before a date that a rule is about to delete."""
    if "_offset" not in _names(at):
        return
    with connect() as connection:
        create_view(connection, "doomed", places.table(name), at)
        logs = table_or_none(places, LOGS) if name == QUARANTINE.name else None
        if logs is not None:
            create_view(connection, LOGS.name, places.table(LOGS), logs)
        # a reject that was replayed is a row of `logs` by now, and stays under the promise
        is_open = "true" if logs is None else rejects.is_open("d", _names(at), _names(logs))
        sql, values = RUNS.format(and_open=is_open, where=where), {"first": first, "rule": rule}
        rows = connection.sql(sql, params=values).to_arrow_table().cast(OF_RULES)
    absent = Absent(places)
    absent.note("retained", f"{name}-{first}-{uuid.uuid4().hex[:8]}", rows)
    absent.tidy("retained")


def _names(table: DeltaTable) -> set[str]:
    return {field.name for field in table.schema().fields}
