"""Lists tables and their versions without reading a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable

from analytics.look.operations import Operations, note_of
from lakehouse import past, store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.proof.foreign import is_foreign
from lakehouse.query import pinned
from lakehouse.store.log import Log, committed
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import TABLES
from lakehouse.tables.tag import Tag

ROW_METRICS = ("num_added_rows", "numOutputRows", "num_output_rows")


@dataclass(frozen=True)
class Version:
    """One commit; `rows` counts those that it added, None where it does not say.

    `what` says in words what it did, `operation` and `writer` as it notes that itself; `tags` are
    the names that the version has. `foreign` says that it is of other software. Of one that is
    `by_ledger` the log has nothing any more.
    """

    version: int
    time: datetime | None
    what: str
    rows: int | None
    tags: tuple[str, ...]
    oldest_readable: bool
    operation: str | None
    writer: str | None
    foreign: bool = False
    by_ledger: bool = False


@dataclass(frozen=True)
class Overview:
    """One table as it is now; None where a file does not say, or the table cannot be read."""

    name: str
    rows: int | None
    files: int | None
    bytes: int | None
    version: int | None
    last_commit: datetime | None
    comment: str


VERSION = [of.name for of in fields(Version)]
# What a person is shown of a version; the rest are ids, for programs.
SHOWN = VERSION[: VERSION.index("operation")]
OVERVIEW = [of.name for of in fields(Overview)]


def versions(places: Places, name: str, limit: int) -> list[Version]:
    """Returns the newest versions of a table, newest first, then older ones that have a name.

    Of `logs` and `quarantine` the ledger has those of before the log. Raises TableError without the
    table.
    """
    if name not in pinned.names(places):
        raise pinned.absent(places, name)
    found, log = store.open_table(places, name), Log(places, name)
    newest, first = found.version(), oldest(places, name)
    numbers, timeline = range(newest, max(newest - limit, log.oldest() - 1), -1), log.timeline()
    named, operations = _tags_by_version(places, found, name), Operations(places)
    noted = _noted(places, name, range(newest - limit + 1, log.oldest()), operations, first)
    older = {tag.version: tag.time for tags in named.values() for tag in tags}
    known = {*numbers, *(one.version for one in noted)}
    alone = [number for number in older if number not in known]
    infos = ((number, log.info(number) or {}) for number in (*numbers, *alone))
    in_log = [
        replace(
            version(number, info, number == first, operations.of(name, info)),
            time=older[number] if number in alone else timeline.time(number),
            tags=tuple(tag.name for tag in named.get(number, ())),
            foreign=is_foreign(log, number, info),
        )
        for number, info in infos
    ]
    tagged = (
        replace(one, tags=tuple(tag.name for tag in named.get(one.version, ()))) for one in noted
    )
    return sorted([*in_log, *tagged], key=lambda one: -one.version)


def _noted(
    places: Places, name: str, numbers: range, operations: Operations, first: int
) -> list[Version]:
    """Returns versions that only the ledger knows, the newest first."""
    if not numbers:
        return []
    return [
        Version(
            version=one.version,
            time=time,
            what=f"{operations.noted(one)} (by the ledger)",
            rows=one.rows,
            tags=(),
            oldest_readable=one.version == first,
            operation=one.operation,
            writer=one.writer or None,
            by_ledger=True,
        )
        for one, time in past.commits(places, name, max(numbers[0], 0), numbers[-1])
    ]


def _tags_by_version(places: Places, found: DeltaTable, name: str) -> dict[int, list[Tag]]:
    """Returns the names that versions have, by version, the newest first."""
    named = dict[int, list[Tag]]()
    for tag in Tags(places).valid(found, name):
        named.setdefault(tag.version, []).append(tag)
    return named


def oldest(places: Places, name: str) -> int:
    """Returns the oldest version that can still be read, by the log and the files or the ledger."""
    kept = max(Log(places, name).oldest(), store.oldest_kept(store.open_table(places, name)))
    return past.oldest(places, name, kept)


def overviews(places: Places) -> list[Overview]:
    """Returns every table of a lake. Raises TableError where there is none."""
    found = pinned.names(places)
    if not found:
        raise pinned.absent(places, "")
    return [_named(places, name) for name in found]


def dicts(found: list[Any]) -> list[dict[str, Any]]:
    """Converts versions or overviews to JSON objects."""
    return [asdict(one) for one in found]


def version(number: int, info: Mapping[str, Any], oldest: bool, what: str) -> Version:
    """Returns a commit from its commitInfo: the note of `store`, or else the writer's metrics."""
    note = note_of(info)
    metrics = info.get("operationMetrics") or {}
    counted = [metrics[name] for name in ROW_METRICS if name in metrics]
    rows = note.get("rows", counted[0] if counted else None)
    return Version(
        version=number,
        time=committed(info),
        what=what,
        rows=None if rows is None else int(rows),
        tags=(),
        oldest_readable=oldest,
        operation=info.get("operation"),
        writer=note.get("writer") or info.get("engineInfo"),
    )


def _named(places: Places, name: str) -> Overview:
    """Returns the overview of a table; one that cannot be read has only a name."""
    try:
        return _overview(places, name)
    except TableError as error:
        return Overview(name, None, None, None, None, None, error.what)


def _overview(places: Places, name: str) -> Overview:
    found = store.open_table(places, name)
    adds = store.data_files(found)
    known = not adds["num_records"].null_count
    ours = TABLES.get(name)
    return Overview(
        name=name,
        rows=pc.sum(adds["num_records"]).as_py() or 0 if known else None,
        files=adds.num_rows,
        bytes=pc.sum(adds["size_bytes"]).as_py() or 0,
        version=found.version(),
        last_commit=Log(places, name).stamped(found.version()),
        comment=found.metadata().description or (ours.comment if ours else ""),
    )
