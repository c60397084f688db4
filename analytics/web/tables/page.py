"""Tables: sizes, history, and partitions hour by hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import pyarrow.compute as pc
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.view import Page, Viewed
from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import Commit, TableState
from lakehouse.maintenance.size import SMALL_BYTES
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, TABLES

OPTIMIZE, VACUUM = "OPTIMIZE", "VACUUM END"
# So many commits are looked through for what was last done; a busy hour has 1,800.
LOOKED_AT = 10_000
HOURS, LEVELS = 24, 9
SHADES = ("rows", "files", "small_files", "bytes")


@dataclass(frozen=True)
class Done:
    """A commit of upkeep."""

    version: int
    time: datetime


@dataclass(frozen=True)
class Weight:
    """The size, age and upkeep of one table; None where it is not known, or was never done."""

    name: str
    comment: str
    rows: int
    files: int
    small_files: int
    bytes: int
    version: int
    committed: datetime | None
    oldest_version: int
    oldest_time: datetime | None
    optimized: Done | None
    vacuumed: Done | None


@dataclass(frozen=True)
class Part:
    """A partition: its day, its hour or granularity, and its size."""

    date: date
    slot: str
    rows: int
    files: int
    small_files: int
    bytes: int


@dataclass(frozen=True)
class Cell:
    """A partition in the heat map: `level` is 0 (nothing) to 9 (as much as any has)."""

    slot: str
    level: int
    part: Part | None


def weights(snapshot: Snapshot) -> list[Weight]:
    """Returns every table that existed at this moment."""
    states = (snapshot.table(name) for name in TABLES)
    return [_weight(snapshot, state) for state in states if state]


def parts(state: TableState) -> list[Part]:
    """Returns the partitions of a table, newest day first."""
    sums: dict[tuple[date, str], list[int]] = {}
    adds = state.files.adds
    for key, size, rows in zip(
        *(adds[name].to_pylist() for name in ("partition", "size_bytes", "num_records")),
        strict=True,
    ):
        counts = sums.setdefault((key["date"], _slot(key)), [0, 0, 0, 0])
        for at, value in enumerate((rows or 0, 1, size < SMALL_BYTES, size)):
            counts[at] += value
    newest_first = sorted(sums, key=lambda of: (-of[0].toordinal(), of[1]))
    return [Part(*of, *sums[of]) for of in newest_first]


def heat(found: Iterable[Part], shade: str) -> list[tuple[date, list[Cell]]]:
    """Returns a row for each day with a cell for each hour; `level` is relative to the greatest."""
    known = {(part.date, part.slot): part for part in found}
    most = max((getattr(part, shade) for part in known.values()), default=0) or 1
    days = sorted({day for day, _ in known}, reverse=True)
    slots = [f"{hour:02d}" for hour in range(HOURS)]
    return [
        (day, [_cell(slot, known.get((day, slot)), shade, most) for slot in slots]) for day in days
    ]


def _weight(snapshot: Snapshot, state: TableState) -> Weight:
    log = Log(snapshot.lake.places, state.name)
    oldest = max(log.oldest(), state.oldest_kept)
    done = last_done(snapshot, state)
    small = pc.sum(pc.less(state.files.adds["size_bytes"], SMALL_BYTES)).as_py()
    return Weight(
        name=state.name,
        comment=TABLES[state.name].comment,
        rows=state.rows,
        files=state.files.adds.num_rows,
        small_files=small or 0,
        bytes=state.bytes,
        version=state.version,
        committed=state.committed,
        oldest_version=oldest,
        oldest_time=log.time(oldest),
        optimized=done.get(OPTIMIZE),
        vacuumed=done.get(VACUUM),
    )


def last_done(snapshot: Snapshot, state: TableState) -> dict[str, Done]:
    """Returns the newest commit of each kind of upkeep; a server reads each commit once."""
    versions = range(state.version, max(-1, state.version - LOOKED_AT), -1)
    done: dict[str, Done] = {}
    for commit in snapshot.lake.commits.of(state.name, versions):
        if commit.operation in (OPTIMIZE, VACUUM) and commit.operation not in done:
            done[commit.operation] = _done(commit)
        if len(done) == 2:
            break
    return done


def _done(commit: Commit) -> Done:
    return Done(commit.version, commit.time)


def _slot(key: dict[str, Any]) -> str:
    return f"{key['hour']:02d}" if "hour" in key else str(key.get("granularity", ""))


def _cell(slot: str, part: Part | None, shade: str, most: int) -> Cell:
    value = getattr(part, shade) if part else 0
    return Cell(slot, min(LEVELS, -(-value * LEVELS // most)), part)


router = APIRouter()
PAGE = Page("tables", "Tables", "/tables", router, order=5)
DAYS = 14
Shade = Annotated[Literal["rows", "files", "small_files", "bytes"], Query()]
Name = Annotated[str, Query(max_length=100)]
Skipped = Annotated[int, Query(ge=0, le=100_000, description="So many days before the newest.")]


@dataclass(frozen=True)
class Tables:
    """The tables of a lake at one moment."""

    lake: str
    tables: list[Weight]


@router.get("/tables", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed, table: Name = LOGS.name, by: Shade = "rows", skip: Skipped = 0) -> Response:
    """Shows one table: its size, and its parts by day and hour."""
    found = weights(view.snapshot)
    if not found:
        return view.render_empty(PAGE)
    all_parts = parts(view.snapshot.need(table))
    days = sorted({part.date for part in all_parts}, reverse=True)[skip : skip + DAYS]
    listed = [part for part in all_parts if part.date in days]
    is_hourly = "hour" in view.snapshot.need(table).files.keys
    return view.render(
        PAGE,
        weights=found,
        table=table,
        by=by,
        shades=SHADES,
        heat=heat(listed, by) if is_hourly else None,
        partitions=listed,
        hour=hour,
        earlier=view.link(skip=str(skip + DAYS)) if _has_before(all_parts, days) else "",
        later=view.link(skip=str(max(0, skip - DAYS))) if skip else "",
    )


@router.get("/api/tables", tags=["tables"])
def api(view: Viewed) -> Tables:
    """Every table: rows, files, bytes, versions, what was last done for it."""
    return Tables(view.lake.places.lake, weights(view.snapshot))


@router.get("/api/tables/{table}/partitions", tags=["tables"])
def api_partitions(view: Viewed, table: str) -> list[dict[str, Any]]:
    """The partitions of a table, newest day first."""
    return [asdict(part) for part in parts(view.snapshot.need(table))]


def _has_before(parts: list[Part], days: list[date]) -> bool:
    return bool(days) and any(part.date < days[-1] for part in parts)


def hour(day: date, slot: str) -> dict[str, str]:
    """Returns the parameters of Explore for the rows of an hour."""
    after = day + timedelta(days=1) if slot == "23" else day
    return {"from": f"{day}T{slot}:00:00Z", "to": f"{after}T{(int(slot) + 1) % 24:02d}:00:00Z"}
