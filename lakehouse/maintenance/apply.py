"""Applies one rule of retention: notes the rows that go, then deletes them, in one commit.

Killed in between, the noted rows are still there, which is allowed; the next run deletes them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction

from lakehouse.duck import Pinned, connect
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.maintenance.retain import note, retain
from lakehouse.maintenance.retention_marks import raised_for_rows
from lakehouse.maintenance.rules import Rule
from lakehouse.paths import Places
from lakehouse.store import data_files, open_table
from lakehouse.store.lease.fence import checked
from lakehouse.store.read import NOTE
from lakehouse.store.retry import retried

ROWS = "SELECT date, count(*) AS rows FROM doomed WHERE date < $first AND {where} GROUP BY date"
RAW = "_raw"


@dataclass(frozen=True)
class Applied:
    """What a rule took, or would take: rows and about how many bytes of them.

    `first` is the first date that it keeps; None where the table is empty. `named` are versions
    that keep the rows because they have a name.
    """

    rule: str
    table: str
    days: int
    first: date | None = None
    rows: int = 0
    bytes: int = 0
    named: Mapping[str, int] = field(default_factory=dict)


def apply(places: Places, rule: Rule, dry_run: bool = False) -> Applied:
    """Deletes the rows of a rule that are older than its days, before the newest date of its table.

    Raises TableError where there is no such table, or where others kept winning.
    """
    if rule.is_whole:
        done = retain(places, rule.table, rule.days, dry_run)
        rows = (done.before.rows or 0) - (done.after.rows or 0)
        weight = done.before.bytes - done.after.bytes
        return Applied(rule.name, rule.table, rule.days, done.first, rows, weight, {**done.named})
    result = _planned(places, open_table(places, rule.table), rule)
    if result.rows and not dry_run:
        result = retried(places, rule.table, lambda at: _delete(places, at, rule))
    return result


def _delete(places: Places, at: DeltaTable, rule: Rule) -> Applied:
    result = _planned(places, at, rule)
    if result.first and result.rows:
        now = int(time.time() * 1000)
        note(places, at, rule.table, result.first, rule.name, rule.where)
        marks = raised_for_rows(at, result.first).items()
        done = [Transaction(app, to, now) for app, to in marks]
        noted = {
            "writer": f"retain {rule.days} days",
            "rule": rule.name,
            "before": str(result.first),
            "rows": -result.rows,
        }
        by_us = CommitProperties(
            custom_metadata={NOTE: msgspec.json.encode(noted).decode()},
            app_transactions=[*done, *checked(places.fence, at)],
        )
        at.delete(f"date < '{result.first}' AND {rule.where}", commit_properties=by_us)
    return result


def _planned(places: Places, at: DeltaTable, rule: Rule) -> Applied:
    """Returns what the rule takes of this version; bytes by the share of rows of each date."""
    weights = weights_of(at)
    newest = max(weights, default=None)
    if newest is None:
        return Applied(rule.name, rule.table, rule.days)
    first = newest - timedelta(days=rule.days)
    old = {day: of for day, of in weights.items() if day < first}
    counts = _counts(places, at, rule, first) if old else {}
    weight = sum(old[day][1] * rows // max(old[day][0], 1) for day, rows in counts.items())
    return Applied(rule.name, rule.table, rule.days, first, sum(counts.values()), weight)


def weights_of(at: DeltaTable) -> dict[date, tuple[int, int]]:
    """Returns rows and bytes of each date of a table that is partitioned by date."""
    adds = data_files(at, flatten=True)
    columns = [adds[name] for name in ("partition.date", "num_records", "size_bytes")]
    files = pa.table(columns, names=["date", "rows", "bytes"])
    sums = files.group_by("date").aggregate([("rows", "sum"), ("bytes", "sum")])
    return {one["date"]: (one["rows_sum"] or 0, one["bytes_sum"]) for one in sums.to_pylist()}


def _counts(places: Places, at: DeltaTable, rule: Rule, first: date) -> dict[date, int]:
    """Returns how many rows of each date the rule takes; files of other dates are not read."""
    files = Pinned.of(rule.table, places.table(rule.table), at)
    days = pc.struct_field(files.adds["partition"], "date")
    with connect() as connection:
        files.only(pc.less(days, pa.scalar(first, days.type))).create_view(connection, "doomed")
        query = connection.execute(ROWS.format(where=rule.where), {"first": first})
        return dict(query.fetchall())


def retain_raw(places: Places, days: int, now: datetime, dry_run: bool = False) -> Applied:
    """Deletes copies of files that were imported more than `days` days ago.

    What was imported stays noted, so that no file is imported again by accident.
    """
    zone, before = RawZone(places), now.astimezone(UTC) - timedelta(days=days)
    old = [sha for sha, what in zone.manifests().items() if what.imported_at < before]
    sizes = {sha256: size for sha256 in old if (size := zone.copied(sha256)) is not None}
    for sha256 in () if dry_run else sizes:
        zone.forget_copy(sha256)
    return Applied("copies of files", RAW, days, before.date(), len(sizes), sum(sizes.values()))
