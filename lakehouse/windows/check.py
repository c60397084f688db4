"""Compares closed windows with a recount: each is right, wrong, or late (newer rows came).

A window is recounted from exactly those rows of `logs` that it says it counted, one day at a time;
the row of a day is compared with the sum of its stored half hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from deltalake import DeltaTable

from lakehouse.duck import create_view
from lakehouse.maintenance.retention_marks import countable_from, retained_from
from lakehouse.paths import Places
from lakehouse.store import table_or_none
from lakehouse.tables import rollup_compare, rollup_sql
from lakehouse.tables.rollups import DAY, ROLLUPS, Rollup
from lakehouse.windows.close import days_of, rows_by_day
from lakehouse.windows.count import CountOfTable, counting, within
from lakehouse.windows.horizon import EPOCH, aligned, horizon

EXAMPLES = 20


# The windows of days by their starts; None for all of a day.
Some = Mapping[date, Sequence[datetime] | None]


@dataclass(frozen=True)
class Late:
    """Rows of `logs` that came after a window was closed, the last one `by` after its end."""

    window_start: datetime
    rows: int
    by: timedelta


@dataclass(frozen=True)
class Checked:
    """One day of a rollup: how many closed windows were recounted, and what was found.

    `logs_version` is the version of `logs` that was looked at.
    """

    table: str
    date: date
    windows: int
    wrong: list[datetime] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    wrong_days: list[datetime] = field(default_factory=list)
    logs_version: int | None = None

    @property
    def to_count(self) -> list[datetime]:
        """The windows that `reconcile` has to count again."""
        return sorted({*self.wrong, *(late.window_start for late in self.late)})


def check(
    places: Places,
    rollup: Rollup,
    table: DeltaTable,
    logs: DeltaTable,
    since: date | None = None,
    only: Some | None = None,
) -> Iterator[Checked]:
    """Recounts every closed window of one version of a table, from `since` on. Yields each day.

    With `only` those days, and of a day those windows, or all of it.
    """
    closed = horizon(table)
    if closed is None or only == {}:
        return
    first = min(only) if only else None  # to look at all days takes long with many files
    with counting(places, logs, (first, first) if first else None) as count:
        create_view(count.connection, "stored", places.table(rollup.name), table)
        stored = count.connection.sql("SELECT DISTINCT date FROM stored").fetchall()
        for day in sorted({*days_of(logs), *(day for (day,) in stored)}):
            if day >= (since or day) and _first(day) < closed and (only is None or day in only):
                known = {field.name for field in table.schema().fields}
                yield _Day(count, rollup, known, day, closed, only[day] if only else None)()


def late_rows(
    places: Places, rollup: Rollup, table: DeltaTable, logs: DeltaTable, since: date
) -> int:
    """Returns how many rows of `logs` since a day came too late for closed windows. No recount."""
    days = late_days(places, rollup, table, logs, since)
    return sum(late.rows for day in days for late in day.late)


def late_days(
    places: Places,
    rollup: Rollup,
    table: DeltaTable,
    logs: DeltaTable,
    since: date | None = None,
) -> Iterator[Checked]:
    """Yields the days since one whose closed windows have late rows, without a recount.

    Days whose windows count as many rows as `logs` has are passed over.
    """
    closed, first = horizon(table), checked_from(table, logs, since)
    if closed is None:
        return
    with counting(places, logs) as count:
        create_view(count.connection, "stored", places.table(rollup.name), table)
        counted = _counted_by_day(count, rollup)
        for day, rows in rows_by_day(logs).items():
            if day < (first or day) or _first(day) >= closed or counted.get(day) == rows:
                continue
            if late := _Day(count, rollup, set(), day, closed).late():
                yield Checked(rollup.name, day, len(late), late=late, logs_version=logs.version())


def _counted_by_day(count: CountOfTable, rollup: Rollup) -> dict[date, int]:
    """Returns how many rows the closed windows of each day count."""
    query = (
        f"SELECT date, CAST(sum({rollup.sums[0].name}) AS BIGINT) FROM stored "
        f"WHERE granularity = '{rollup.granularity}' GROUP BY date"
    )
    return dict(count.connection.sql(query).fetchall())


def checked_from(table: DeltaTable, logs: DeltaTable, since: date | None = None) -> date | None:
    """Returns the first day that can be checked: not what `retain` deleted from either table."""
    days = (since, retained_from(table), countable_from(logs))
    return max((day for day in days if day), default=None)


@dataclass
class _Day:
    """One day of a rollup, up to where it is closed, or some of its windows."""

    count: CountOfTable
    rollup: Rollup
    known: set[str]
    day: date
    closed: datetime
    some: Sequence[datetime] | None = None

    def __call__(self) -> Checked:
        late = self.late()
        wrong = self._wrong(rollup_compare.counted_events(self.rollup) if late else "logs")
        wrong_days = self._wrong_days()
        windows = {*self._stored(), *wrong, *(each.window_start for each in late)}
        has_day = self.rollup.has_days and _first(self.day) + DAY <= self.closed
        checked = len(windows) + has_day
        version = self.count.version
        return Checked(self.rollup.name, self.day, checked, wrong, late, wrong_days, version)

    def late(self) -> list[Late]:
        """Returns the closed windows of the day for which rows came later."""
        self.count.look_at(self.day, self.day)
        in_day = f"{within(*self._bounds)} AND {self._is_one('timestamp')}"
        query = rollup_compare.commits(self.rollup, self.day, in_day)
        self.count.connection.execute(f"CREATE OR REPLACE TEMP TABLE commits AS {query}")
        return [
            Late(*row)
            for row in self.count.connection.sql(rollup_compare.late(self.rollup)).fetchall()
        ]

    def _wrong(self, events: str) -> list[datetime]:
        some = f"(SELECT * FROM {events} WHERE {self._is_one('timestamp')})"
        recounted = self.count.windows(self.rollup, *self._bounds, some)
        return self._different(self.rollup.granularity, recounted, self._is_one("window_start"))

    def _wrong_days(self) -> list[datetime]:
        """Returns the rows of the day that differ. While the day is open there must be none."""
        windows = self.count.connection.sql(f"SELECT * FROM {self._rows_of_day}").to_arrow_table()
        is_closed = _first(self.day) + DAY <= self.closed
        rows = aligned(windows if is_closed else windows.slice(0, 0), self.rollup)
        return self._different("1d", self.count.days(self.rollup, rows))

    def _different(
        self, granularity: str, recounted: object, is_one: str = "true"
    ) -> list[datetime]:
        self.count.connection.register("recounted", recounted)
        query = rollup_compare.different(self.rollup, self.known, granularity, self.day, is_one)
        return [start for (start,) in self.count.connection.sql(query).fetchall()]

    def _stored(self) -> list[datetime]:
        query = f"SELECT DISTINCT window_start FROM {self._rows_of_day}"
        return [start for (start,) in self.count.connection.sql(query).fetchall()]

    @property
    def _rows_of_day(self) -> str:
        return f"stored WHERE {rollup_compare.rows_of(self.rollup.granularity, self.day)}"

    @property
    def _bounds(self) -> tuple[datetime, datetime]:
        """The times that are looked at, from the first on and before the second."""
        first, end = _first(self.day), min(_first(self.day) + DAY, self.closed)
        if self.some is None:
            return first, end
        return min(self.some), min(max(self.some) + self.rollup.window, end)

    def _is_one(self, column: str) -> str:
        """Returns SQL for times that lie in the windows that are looked at."""
        if self.some is None:
            return "true"
        starts = ", ".join(str((one - EPOCH) // rollup_sql.MICROSECOND) for one in self.some)
        return f"{rollup_sql.start(column, self.rollup.window)} IN ({starts})"


def _first(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@dataclass(frozen=True)
class WindowFault:
    """A window that differs from its recount, or for which `late_rows` came too late."""

    table: str
    granularity: str
    window_start: datetime
    fault: str
    late_rows: int = 0
    latest_by: timedelta = timedelta()


@dataclass(frozen=True)
class WindowsVerdict:
    """How many closed windows were recounted, and which differ; `faults` are the first few."""

    checked: int
    wrong: int
    late: int
    late_rows: int
    faults: list[WindowFault]


def rollups_of(places: Places) -> dict[str, DeltaTable]:
    """Opens the newest version of each rollup that exists; to be called before `logs` is opened."""
    found = {name: table_or_none(places, name) for name in ROLLUPS}
    return {name: table for name, table in found.items() if table is not None}


def verdict_of(days: Sequence[Checked]) -> WindowsVerdict:
    """Returns what was found in these days together."""
    faults = [fault for day in days for fault in faults_of(day)]
    return WindowsVerdict(
        checked=sum(day.windows for day in days),
        wrong=sum(fault.fault == "wrong" for fault in faults),
        late=sum(fault.fault == "late" for fault in faults),
        late_rows=sum(fault.late_rows for fault in faults),
        faults=faults[:EXAMPLES],
    )


def faults_of(day: Checked) -> Iterator[WindowFault]:
    """Yields what differs from a recount; a wrong window is not listed as late too."""
    granularity = ROLLUPS[day.table].granularity
    for start in day.wrong:
        yield WindowFault(day.table, granularity, start, "wrong")
    for late in day.late:
        if late.window_start not in day.wrong:
            yield WindowFault(day.table, granularity, late.window_start, "late", late.rows, late.by)
    for start in day.wrong_days:
        yield WindowFault(day.table, "1d", start, "wrong")
