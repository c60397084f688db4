"""Makes windows again from `logs`: those that are late or wrong (reconcile), or all (rebuild)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.maintenance.retention_marks import countable_from
from lakehouse.paths import Places
from lakehouse.store import Replacement, data_files, open_table, replace
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import DAY, DEFINITION, HALF_HOUR, MINUTES, Rollup
from lakehouse.windows import recounted
from lakehouse.windows.check import Checked, check, checked_from, late_days
from lakehouse.windows.close import AT_ONCE_ROWS, Closed, close, instant
from lakehouse.windows.count import counting
from lakehouse.windows.definition import has_same_windows, prepare, unfit
from lakehouse.windows.horizon import EPOCH, before, horizon, last_closed, mark, stored


def reconcile(
    places: Places, rollup: Rollup, late: timedelta, since: date | None = None
) -> Iterator[Checked]:
    """Counts late and wrong windows again, with their days. Yields each day once it is done.

    Where no window was ever closed, those that the newest event closes are closed first.
    """
    prepare(places, rollup, late)
    if horizon(open_table(places, rollup.name)) is None:
        for _ in close(places, rollup, closed_by_now(open_table(places, LOGS), late)):
            pass
    table = open_table(places, rollup.name)  # before logs, which must have all that it counted
    logs = open_table(places, LOGS)
    for found in check(places, rollup, table, logs, checked_from(table, logs, since)):
        if found.to_count or found.wrong_days:
            _count_again(places, rollup, found)
            yield found


def mend(
    places: Places, rollup: Rollup, since: date | None = None, is_judged: bool = True
) -> Iterator[Checked]:
    """Counts closed windows again whose rows were removed since; late ones stay late.

    Minutes that are counted again are judged again, unless they are not to be (`is_judged`).
    """
    table = store.table_or_none(places, rollup.name)
    if table is None or horizon(table) is None:
        return
    logs = open_table(places, LOGS)
    for found in check(places, rollup, table, logs, checked_from(table, logs, since)):
        wrong = dataclasses.replace(found, late=[])
        if wrong.to_count:
            _count_again(places, rollup, wrong, is_judged)
            yield wrong


def count_late(
    places: Places, rollup: Rollup, since: date | None = None, dry_run: bool = False
) -> Iterator[Checked]:
    """Counts closed windows again for which rows came late. Yields each day once it is done."""
    table = open_table(places, rollup.name)  # before logs, which must have all that it counted
    for found in late_days(places, rollup, table, open_table(places, LOGS), since):
        if not dry_run:
            _count_again(places, rollup, found)
        yield found


def rebuild(
    places: Places, rollup: Rollup, late: timedelta, most_rows: int = AT_ONCE_ROWS
) -> Iterator[Closed]:
    """Makes all windows again for which `logs` still has rows, with the present keys.

    Meanwhile readers see correct numbers, as open windows. After a crash, a repeat or the stream
    continues.
    """
    found = store.table_or_none(places, rollup.name) or store.create(places, rollup.table(late))
    logs = open_table(places, LOGS)
    until = max(horizon(found) or EPOCH, closed_by_now(logs, late))
    replace(places, rollup.table(), partial(_emptied, rollup, countable_from(logs)))
    store.set_property(places, rollup.name, DEFINITION, rollup.definition(late))
    prepare(places, rollup, late)
    yield from close(places, rollup, until, most_rows)


def closed_by_now(logs: DeltaTable, late: timedelta, window: timedelta = HALF_HOUR) -> datetime:
    """Returns the horizon that the newest event gives, for a stream that never ran."""
    files = data_files(logs, flatten=True)
    newest = pc.max(files["max.timestamp"]).as_py() if files.num_rows else None
    return last_closed(newest - late, window) if newest else EPOCH


def _emptied(rollup: Rollup, first: date | None, current: DeltaTable) -> Replacement:
    """Keeps only rows that cannot be counted again, and sets the horizon before all others."""
    where, begin = f"granularity IN ('{rollup.granularity}', '1d')", None
    is_other, kept = bool(unfit(rollup, current)), rollup.columns.empty_table()
    if first and (closed := horizon(current)) and has_same_windows(rollup, current):
        begin = min(datetime.combine(first, time(), UTC), closed)
        kept = before(current, rollup, first) if is_other else kept
        where += f" AND date >= '{first}'"
    return Replacement(kept, where, mark(begin), {"writer": "rebuild"}, is_other)


def _count_again(places: Places, rollup: Rollup, found: Checked, is_judged: bool = True) -> None:
    is_noted = rollup is MINUTES and is_judged
    first = min(found.to_count, default=None) if is_noted else None
    if first:
        recounted.note(places, first)
    replace(places, rollup.table(), partial(_recounted_day, places, rollup, found))
    if first:  # who judged meanwhile may have forgotten it
        recounted.note(places, first)


def _recounted_day(
    places: Places, rollup: Rollup, found: Checked, current: DeltaTable
) -> Replacement | None:
    """Returns the given half hours counted from the newest `logs`, with the row of their day."""
    first, closed = datetime.combine(found.date, time(), UTC), horizon(current)
    if closed is None:
        return None
    kept = _of_day(stored(current, rollup, rollup.granularity, first), found.date)
    starts = [start for start in found.to_count if not _is_counted(kept, found, start)]
    if not starts and not found.wrong_days:
        return None  # somebody else counted them meanwhile
    wanted = pa.array(starts, kept.schema.field("window_start").type)
    logs = open_table(places, LOGS)
    if (kept_from := countable_from(logs)) and found.date < kept_from:
        return None  # its rows were deleted meanwhile
    with counting(places, logs, (found.date, found.date)) as count:
        upto = min(max(starts, default=first) + rollup.window, closed)
        counted = count.windows(rollup, min(starts, default=first), upto)
        rows = counted.filter(pc.is_in(counted["window_start"], wanted))
        rows = corrected(rows, kept)
        others = kept.filter(pc.invert(pc.is_in(kept["window_start"], wanted)))
        if first + DAY <= closed:
            days = count.days(rollup, pa.concat_tables([others, rows]))
            of_day = _of_day(stored(current, rollup, "1d", first), found.date)
            rows = pa.concat_tables([rows, corrected(days, of_day)])
    # a table of before may lack columns: it gains them at the next start of the stream
    there = {field.name for field in current.schema().fields}
    rows = rows.select([name for name in rows.column_names if name in there])
    return Replacement(rows, _where(rollup, starts, first), note={"writer": "reconcile"})


def corrected(rows: pa.Table, earlier: pa.Table) -> pa.Table:
    """Returns rows of windows as the next revision after their earlier rows, corrected now."""
    starts, revisions = earlier["window_start"].to_pylist(), earlier["revision"].to_pylist()
    newest = dict[datetime, int]()
    for start, revision in zip(starts, revisions, strict=True):
        newest[start] = max(newest.get(start, 0), revision or 0)
    made = {
        "revision": [newest.get(start, 0) + 1 for start in rows["window_start"].to_pylist()],
        "corrected_at": [datetime.now(UTC)] * rows.num_rows,
    }
    for name, values in made.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema[at].type))
    return rows


def _is_counted(kept: pa.Table, found: Checked, start: datetime) -> bool:
    """Whether a late window was counted again since it was found so; one that is wrong never."""
    if start in found.wrong or found.logs_version is None:
        return False
    its = kept.filter(pc.equal(kept["window_start"], pa.scalar(start, kept["window_start"].type)))
    oldest = pc.min(its["logs_version"]).as_py()
    return oldest is not None and oldest >= found.logs_version


def _of_day(rows: pa.Table, day: date) -> pa.Table:
    return rows.filter(pc.equal(rows["date"], pa.scalar(day)))


def _where(rollup: Rollup, starts: Sequence[datetime], first: datetime) -> str:
    day = f"(granularity = '1d' AND window_start = {instant(first)})"
    named = ", ".join(map(instant, starts))
    windows = f"(granularity = '{rollup.granularity}' AND window_start IN ({named}))"
    return f"{windows} OR {day}" if named else day
