"""Finds the state of a table at a version or a time: Delta's own, or else by the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TypeVar

from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.past.entry import COLUMNS, Entry, Removal, of_table
from lakehouse.past.ledger import Ledger, Moved
from lakehouse.past.reading import Reading
from lakehouse.past.state import Past, State
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.store.log import Log
from lakehouse.store.read import moved
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.terminal.times import rendered

# Tables whose rows never change, and name their commits.
KEPT = (LOGS.name, QUARANTINE.name)
EPOCH = date(1970, 1, 1)
WORDS = {
    "erased": "were erased on request",
    "replaced": "were replaced by another import of their file",
    "deleted": "were deleted",
    "undone": "were taken back by `restore`",
    "rewritten": "were rewritten",
    "unseen": "may be gone: nobody noted what happened",
}
T = TypeVar("T")


def state(
    places: Places, name: str, version: int | None = None, as_of: datetime | None = None
) -> State:
    """Returns a table at a version or a time; its newest without both.

    Delta's own version is used while it is kept, and the ledger beyond it. Raises TableError where
    there is no such state, or where rows that it had are gone.
    """
    newest = open_table(places, name)
    if version is None and as_of is None:
        return State.of(name, newest)
    if as_of is not None or not _is_behind(places, name, version):
        try:
            return State.of(name, moved(places, newest, name, version, as_of))
        except TableError:
            if name not in KEPT:
                raise
            newest = open_table(places, name)
    found = _retried(partial(_by_ledger, places, name, version, as_of, [newest]))
    return found or State.of(name, moved(places, newest, name, version, as_of))


def _is_behind(places: Places, name: str, version: int | None) -> bool:
    """Whether the log surely lacks a version that the ledger may have: Delta need not be tried."""
    return name in KEPT and version is not None and not Log(places, name).can_rebuild(version)


def oldest(places: Places, name: str, kept: int) -> int:
    """Returns the oldest version that the ledger may answer; `kept` where it has none older."""
    if name not in KEPT:
        return kept
    at = open_table(places, name)
    ledger = Ledger(places, name, str(at.metadata().id))
    is_behind = ledger.first is not None and ledger.last <= at.version()
    return min(kept, ledger.first or 0) if is_behind else kept


def time_of(places: Places, name: str, version: int) -> datetime | None:
    """Returns when a version was made that the ledger knows; None for any other."""

    def find() -> datetime | None:
        known = Reading.of(places, name, open_table(places, name))
        return known.time(version) if known.has(version) else None

    return _retried(find) if name in KEPT else None


def commit_of(places: Places, name: str, version: int) -> Entry | None:
    """Returns what the ledger has of a version; None where it has nothing."""

    def find() -> Entry | None:
        known = Reading.of(places, name, open_table(places, name))
        rows = known.entries(version, version, COLUMNS.names) if known.has(version) else None
        return of_table(rows.slice(0, 1))[0] if rows else None

    return _retried(find) if name in KEPT else None


def commits(places: Places, name: str, first: int, last: int) -> list[tuple[Entry, datetime]]:
    """Returns what the ledger has of versions, the newest first, and when each was made."""

    def find() -> list[tuple[Entry, datetime]]:
        known = Reading.of(places, name, open_table(places, name))
        if known.first is None:
            return []
        entries = of_table(known.entries(max(first, known.first), last, COLUMNS.names))
        by_version = {one.version: one for one in reversed(entries)}
        return [(one, known.time(one.version)) for one in by_version.values()]

    return _retried(find) if name in KEPT else []


def operations(places: Places, name: str, first: int, last: int) -> Counter[str]:
    """Returns how many commits of a range the ledger has, by operation."""

    def find() -> Counter[str]:
        known = Reading.of(places, name, open_table(places, name))
        return Counter(known.entries(first, last, ("operation",))["operation"].to_pylist())

    return _retried(find) if name in KEPT else Counter()


def _retried(find: Callable[[], T]) -> T:
    """Returns what is found; it is looked for anew where another process moved the ledger on."""
    for _ in range(2):
        try:
            return find()
        except Moved:
            continue
    return find()


def _by_ledger(
    places: Places,
    name: str,
    version: int | None,
    as_of: datetime | None,
    opened: list[DeltaTable],
) -> State | None:
    """Returns the state by the ledger, next to the newest version: the one `opened` is used up."""
    newest = opened.pop() if opened else open_table(places, name)
    known = Reading.of(places, name, newest)
    if as_of is not None:
        version = _version_at(known, name, as_of)
    if version is None or not known.has(version):
        return None
    time = known.time(version)
    kept_from, kept_by_rule = _kept(known, name, version, time, newest)
    whole, in_part, since, until = known.files(newest, version)
    where = known.condition(version, since, until) if in_part else ""
    if where is None:
        raise TableError(
            f"version {version} of table {name} lies within a commit that was made in two parts",
            "ask for a version before or after it; see `logpond history`",
        )
    is_whole = not (kept_from or kept_by_rule)
    rows, checksum = known.sums(version) if is_whole else (None, None)
    return State(
        name,
        newest,
        version,
        Past(
            time=time,
            whole=whole,
            in_part=in_part,
            where=where,
            everywhere=partial(_everywhere, known, version),
            rows=rows,
            checksum=checksum,
            kept_from=kept_from,
            kept_by_rule=kept_by_rule,
        ),
    )


def _version_at(known: Reading, name: str, as_of: datetime) -> int | None:
    version = known.version_at(as_of)
    if version is None and known.first is not None:
        began = rendered(known.time(known.first))
        raise TableError(
            f"table {name} cannot be read at {rendered(as_of)}",
            f"its oldest readable version {known.first} is of {began}; "
            f"see `logpond history {name}`",
        )
    return version


def _everywhere(known: Reading, version: int) -> str:
    return known.condition(version, 0, known.last) or "false"


def _kept(
    known: Reading, name: str, version: int, time: datetime, newest: DeltaTable
) -> tuple[date | None, dict[str, date]]:
    """Returns the first date whose rows `retain` has kept, and those of rules of some rows.

    None and nothing where all rows are there. Raises TableError where others are gone, or where
    whole dates up to the last one of the moment are.
    """
    gone = [one for one in known.removals() if one.first <= version < one.version]
    others = [one for one in gone if one.kept_from is None]
    if others:
        raise _gone(name, version, max(others, key=lambda one: one.version), newest)
    by_rule: dict[str, date] = {}
    for one in gone:
        day = EPOCH + timedelta(days=one.kept_from or 0)
        by_rule[one.rule] = max(day, by_rule.get(one.rule, day))
    kept_from = by_rule.pop("", None)
    if kept_from is None:
        return None, by_rule
    last = known.newest_date(version)
    if last is None or EPOCH + timedelta(days=last) < kept_from:
        raise TableError(
            f"table {name} cannot be read at version {version} of {rendered(time)}: `retain` has "
            f"deleted all rows of before {kept_from} since, and it had no others",
            f"ask for a time from {kept_from} on",
        )
    return kept_from, {rule: day for rule, day in by_rule.items() if day > kept_from}


def _gone(name: str, version: int, one: Removal, newest: DeltaTable) -> TableError:
    when = "" if one.time is None else f" ({rendered(_moment(one.time))})"
    return TableError(
        f"table {name} cannot be read at version {version} any more: rows that it had "
        f"{WORDS.get(one.change, 'are gone')} at version {one.version}{when}",
        f"versions {one.version} to {newest.version()} can be read",
    )


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
