"""Compares two versions of a table: files, rows by partition, and windows.

Only files that are in one version alone are compared, and equal rows in files of both versions
cancel out: rewriting files, as OPTIMIZE does, moves rows but changes none. Where a partition has
only new files, or only lost ones, its rows are counted from statistics, and no file is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse import past
from lakehouse.duck import connect, quoted
from lakehouse.past import State
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.terminal.times import Moment

# Rows of these never change once they are written: where they came from tells them apart.
IDENTITY = ("_topic", "_partition", "_offset", "_commit")
MOST_COMMITS = 10_000
MOST_WINDOWS = 1_000


@dataclass(frozen=True)
class File:
    """A file of a version; `rows` is None where its statistics do not say.

    One of which a version has some rows only is like no file of another version: `cut` is its own.
    """

    partition: str
    rows: int | None
    cut: int | None = None


@dataclass(frozen=True)
class PartitionChange:
    """A partition (`date=2026-05-01/hour=12`) whose files differ between the versions."""

    partition: str
    files_added: int
    files_removed: int
    rows_added: int
    rows_removed: int


@dataclass(frozen=True)
class WindowChange:
    """A window of a rollup whose rows were added, removed or replaced; counted by keys."""

    granularity: str
    window_start: datetime
    keys_added: int
    keys_removed: int
    keys_changed: int
    requests_before: int
    requests_after: int


@dataclass(frozen=True)
class Difference:
    """What to add to version `before`, and remove from it, to get version `after`.

    `operations` counts the commits in between by operation. `windows` are the first 1,000.
    `sources` says what a version was read from that Delta has not kept: its files are those of now.
    """

    table: str
    before: int
    after: int
    rows_before: int
    rows_after: int
    files_added: int
    files_removed: int
    rows_added: int
    rows_removed: int
    operations: dict[str, int]
    partitions: list[PartitionChange]
    windows: list[WindowChange]
    sources: list[str]

    @property
    def is_moved_only(self) -> bool:
        """Whether files differ, and no row does."""
        files = self.files_added + self.files_removed
        return bool(files) and not self.rows_added + self.rows_removed

    def as_dict(self) -> dict[str, Any]:
        """Returns the comparison as JSON can hold it."""
        return asdict(self)


def diff(places: Places, table: str, v1: int, v2: int) -> Difference:
    """Compares two versions. Raises TableError where one does not exist or cannot be read."""
    if table not in pinned.names(places):
        raise pinned.absent(places, table)
    old, new = (pinned.pin(places, [table], Moment(version=v))[table] for v in (v1, v2))
    root = places.table(table)
    before, after = _files(old, root), _files(new, root)
    gone, arrived = _without(before, after), _without(after, before)
    mixed = _mixed(gone, arrived, table in ROLLUPS)
    with connect() as connection:
        for name, at, files in (("old", old, gone), ("new", new, arrived)):
            read = [path for path, file in files.items() if file.partition in mixed]
            _view(connection, name, root, at, read)
        _compare(connection, table, _common(old.table, new.table))
        changed = _by_partition(connection, _partition(old.table))
        windows = _windows(connection, table) if table in ROLLUPS else []
    partitions = _changes(
        gone, arrived, {**_counted(gone, arrived), **dict.fromkeys(mixed, (0, 0)), **changed}
    )
    return Difference(
        table=table,
        before=v1,
        after=v2,
        rows_before=_count(old, root),
        rows_after=_count(new, root),
        files_added=len(arrived),
        files_removed=len(gone),
        rows_added=sum(part.rows_added for part in partitions),
        rows_removed=sum(part.rows_removed for part in partitions),
        operations=_operations(places, table, v1, v2),
        partitions=partitions,
        windows=windows,
        sources=[at.source for at in (old, new) if at.past],
    )


def _view(
    connection: duckdb.DuckDBPyConnection, name: str, root: str, at: State, only: list[str]
) -> None:
    """Makes a view of the rows of some files of a version."""
    pinned_at = at.pinned(root)
    is_read = pc.is_in(pinned_at.adds["path"], pa.array(only, pa.string()))
    pinned_at.only(is_read).create_view(connection, name)


def _files(at: State, root: str) -> dict[str, File]:
    """Returns path -> file of a version."""
    found = at.pinned(root)
    adds, keys = found.adds, found.keys
    paths, in_part = adds["path"].to_pylist(), found.cut.paths if found.cut else ()
    values = adds["partition"].to_pylist() if keys else [{}] * len(adds)
    names = ("/".join(f"{key}={of[key]}" for key in keys) for of in values)
    return {
        path: File(name, None, at.version) if path in in_part else File(name, rows)
        for path, name, rows in zip(paths, names, adds["num_records"].to_pylist(), strict=True)
    }


def _count(at: State, root: str) -> int:
    """Returns the rows of a version, counted where neither log nor ledger says it."""
    if (known := at.rows(root)) is not None:
        return known
    with connect() as connection:
        at.pinned(root).create_view(connection, "counted")
        found = connection.execute("SELECT count(*) FROM counted").fetchone()
    return int(found[0]) if found else 0


def _without(these: dict[str, File], those: dict[str, File]) -> dict[str, File]:
    others = {(unquote(path), of.cut) for path, of in those.items()}
    return {path: of for path, of in these.items() if (unquote(path), of.cut) not in others}


def _mixed(gone: dict[str, File], arrived: dict[str, File], all_of_them: bool) -> set[str]:
    """Returns the partitions whose files must be read to know which rows differ."""
    sides = [{file.partition for file in files.values()} for files in (gone, arrived)]
    both = [*gone.values(), *arrived.values()]
    unknown = {file.partition for file in both if all_of_them or file.rows is None}
    return (sides[0] & sides[1]) | unknown


def _counted(gone: dict[str, File], arrived: dict[str, File]) -> dict[str, tuple[int, int]]:
    """Returns partition -> rows of files that were added, and of files that were removed."""
    sums = [Counter[str](), Counter[str]()]
    for side, files in zip(sums, (arrived, gone), strict=True):
        for file in files.values():
            side[file.partition] += file.rows or 0
    return {part: (sums[0][part], sums[1][part]) for part in sums[0] | sums[1]}


def _common(old: DeltaTable, new: DeltaTable) -> list[str]:
    """Returns the columns that both versions have; a column added since does not change rows."""
    known = {field.name for field in new.schema().fields}
    return [field.name for field in old.schema().fields if field.name in known]


def _partition(at: DeltaTable) -> str:
    """Returns SQL for the name of a row's partition."""
    keys = at.metadata().partition_columns
    parts = (f"'{key}=' || CAST({quoted(key)} AS VARCHAR)" for key in keys)
    return " || '/' || ".join(parts) or "''"


def _compare(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    """Makes `added` and `removed`: rows that one side has more often, once for each time."""
    is_ours = table in (LOGS.name, QUARANTINE.name)
    keys = ("date", "hour") if table == LOGS.name else ("date",)
    compared = ", ".join(quoted(name) for name in ((*keys, *IDENTITY) if is_ours else columns))
    for name, one, other in (("added", "new", "old"), ("removed", "old", "new")):
        query = f"SELECT {compared} FROM {one} EXCEPT ALL SELECT {compared} FROM {other}"
        connection.execute(f"CREATE TEMP TABLE {name} AS {query}")


def _by_partition(
    connection: duckdb.DuckDBPyConnection, partition: str
) -> dict[str, tuple[int, int]]:
    """Returns partition -> rows added and removed."""
    one_side = "SELECT {} AS part, {} AS added, {} AS removed FROM {}"
    both = " UNION ALL ".join(
        one_side.format(partition, *counts) for counts in ((1, 0, "added"), (0, 1, "removed"))
    )
    query = f"SELECT part, sum(added), sum(removed) FROM ({both}) GROUP BY part"
    rows = connection.execute(query).fetchall()
    return {part: (int(added), int(removed)) for part, added, removed in rows}


def _changes(
    gone: dict[str, File], arrived: dict[str, File], rows: dict[str, tuple[int, int]]
) -> list[PartitionChange]:
    added, removed = (Counter(file.partition for file in of.values()) for of in (arrived, gone))
    return [
        PartitionChange(part, added[part], removed[part], *rows[part])
        for part in sorted({*added, *removed})
    ]


def _windows(connection: duckdb.DuckDBPyConnection, table: str) -> list[WindowChange]:
    """Returns the windows whose rows differ; a key that is on both sides was changed."""
    rollup = ROLLUPS[table]
    keys = ", ".join(quoted(key) for key in rollup.keys)
    requests = quoted(rollup.sums[0].name)
    sides = " UNION ALL ".join(
        f"SELECT granularity, window_start, {keys}, {side} AS is_new, {requests} AS n FROM {name}"
        for side, name in (("false", "removed"), ("true", "added"))
    )
    query = (
        "SELECT granularity, window_start, count(*) FILTER (is_in AND NOT was_in), "
        "count(*) FILTER (was_in AND NOT is_in), count(*) FILTER (is_in AND was_in), "
        "CAST(sum(before) AS BIGINT), CAST(sum(after) AS BIGINT) FROM ("
        f"SELECT granularity, window_start, {keys}, bool_or(is_new) AS is_in, "
        "bool_or(NOT is_new) AS was_in, sum(CASE WHEN is_new THEN 0 ELSE n END) AS before, "
        f"sum(CASE WHEN is_new THEN n ELSE 0 END) AS after FROM ({sides}) GROUP BY ALL) "
        f"GROUP BY granularity, window_start ORDER BY ALL LIMIT {MOST_WINDOWS}"
    )
    return [WindowChange(*row) for row in connection.execute(query).fetchall()]


def _operations(places: Places, table: str, v1: int, v2: int) -> dict[str, int]:
    """Counts the commits in between by operation, as far as the log still has them."""
    log, (low, high) = Log(places, table), sorted((v1, v2))
    first = max(low, high - MOST_COMMITS) + 1
    oldest = log.oldest()
    noted = past.operations(places, table, low + 1, min(oldest, high)) if low < oldest else {}
    infos = (log.info(version) or {} for version in range(max(first, oldest + 1), high + 1))
    found = Counter(str(info.get("operation", "unknown")) for info in infos)
    return dict(found + Counter(noted))
