"""What a recount says of all rollups: how many windows are right, wrong, or lack late rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.store import table_or_none
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.windows.check import Checked, check, checked_from

EXAMPLES = 20


@dataclass(frozen=True)
class WindowFault:
    """A window that differs from its recount, or that `late_rows` came too late for."""

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
    """The newest state of each rollup that is there; to be opened before `logs` is."""
    found = {name: table_or_none(places, name) for name in ROLLUPS}
    return {name: table for name, table in found.items() if table is not None}


def judge(places: Places, tables: Mapping[str, DeltaTable], logs: DeltaTable) -> WindowsVerdict:
    """Recount every closed window that can be; `logs` at least as new as the tables."""
    days = [
        day
        for name, table in tables.items()
        for day in check(places, ROLLUPS[name], table, logs, checked_from(table, logs))
    ]
    faults = [fault for day in days for fault in faults_of(day)]
    return WindowsVerdict(
        checked=sum(day.windows for day in days),
        wrong=sum(fault.fault == "wrong" for fault in faults),
        late=sum(fault.fault == "late" for fault in faults),
        late_rows=sum(fault.late_rows for fault in faults),
        faults=faults[:EXAMPLES],
    )


def faults_of(day: Checked) -> Iterator[WindowFault]:
    """What is not as a recount says; a window that is wrong is not told as late too."""
    granularity = ROLLUPS[day.table].granularity
    for start in day.wrong:
        yield WindowFault(day.table, granularity, start, "wrong")
    for late in day.late:
        if late.window_start not in day.wrong:
            yield WindowFault(day.table, granularity, late.window_start, "late", late.rows, late.by)
    for start in day.wrong_days:
        yield WindowFault(day.table, "1d", start, "wrong")
