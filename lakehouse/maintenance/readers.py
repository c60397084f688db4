"""Finds what the checkpoints of this lake have yet to read of a table, by Spark's offsets.

A query that reads a table as a stream reads the files that each commit added. If it began on a
filled table, it first reads all files of the version at which it began.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec
from deltalake import DeltaTable

from lakehouse.errors import CheckpointError, TableError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.lag import Lag
from lakehouse.paths import Places
from lakehouse.store import data_files, objects, open_table
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS


@dataclass(frozen=True)
class Reader:
    """A query, and the version of a table that it reads next; `is_first` if with all its files."""

    query: str
    version: int
    is_first: bool


def refuse_needed(
    places: Places, found: DeltaTable, name: str, kept: int, doomed: Collection[str]
) -> None:
    """Raises CheckpointError where a checkpoint has yet to read a file that is to be deleted.

    Versions from `kept` on keep all their files.
    """
    gone = {unquote(path) for path in doomed}
    for reader in readers(places, str(found.metadata().id)):
        if reader.version < kept and gone & _unread(places, name, reader, kept):
            raise CheckpointError(
                f"the query {reader.query} has yet to read version {reader.version} of {name}, "
                "and files that it needs would go",
                "start it until it has caught up, or give it up and make its checkpoint anew: "
                f"`logpond recover {reader.query}`; or keep more with --hours",
            )


def readers(places: Places, table_id: str) -> Iterator[Reader]:
    """Yields the checkpoints that read this table as a stream, without those moved aside."""
    for query in objects.folders(objects.reader(places.checkpoints)):
        if "." not in query:
            yield from _readers(places, query, table_id)


def lag_of_reader(places: Places, query: str, logs: DeltaTable | None) -> Lag | None:
    """Returns how many rows of `logs` a query has yet to read; None if it was never started."""
    found = readers(places, str(logs.metadata().id)) if logs else iter(())
    reader = next((one for one in found if one.query == query), None)
    if reader is None or logs is None:
        return None
    log = Log(places, LOGS.name)
    if reader.is_first:
        return Lag(logs.count(), log.time(reader.version))
    rows = {v: _rows_of(log, v) for v in range(reader.version, logs.version() + 1)}
    first = next((version for version, count in rows.items() if count), None)
    return Lag(sum(rows.values()), None if first is None else log.time(first))


def _rows_of(log: Log, version: int) -> int:
    """Returns the rows that a commit added; 0 if it only moved rows or was cleaned up."""
    adds = [a["add"] for a in log.actions(version) or [] if "add" in a]
    counts = (msgspec.json.decode(add.get("stats") or "{}") for add in adds if add["dataChange"])
    return sum(of.get("numRecords", 0) for of in counts)


def _readers(places: Places, query: str, table_id: str) -> Iterator[Reader]:
    """Yields readers from the newest completed batch: a batch only planned is read again."""
    progress = Checkpoint(places, query).progress()
    if progress is None or progress.planned is None:
        return
    done = progress.completed
    for at in _sources(places, query, 0 if done is None else done):
        if at.get("reservoirId") != table_id:
            continue
        version, is_first = int(at["reservoirVersion"]), bool(at.get("isStartingVersion"))
        if done is None:
            # Nothing is read yet; an end past the first version means that it was the one before.
            version, is_first = version - (not is_first), True
        yield Reader(query, max(version, 0), is_first)


def _sources(places: Places, query: str, batch: int) -> Iterator[dict[str, Any]]:
    """Yields the offset of each source of a batch that is a JSON object."""
    content = objects.get(objects.reader(places.checkpoint(query)), f"offsets/{batch}") or b""
    for line in content.decode().splitlines()[2:]:
        offset = json.loads(line) if line.startswith("{") else None
        if isinstance(offset, dict):
            yield offset


def _unread(places: Places, name: str, reader: Reader, kept: int) -> set[str]:
    """Returns the files of versions before `kept` that the query has yet to read.

    Versions whose commit was cleaned up do not count: no stream can read them any more. Nor do
    commits that changed rows: a stream passes over them with all that they added.
    """
    log = Log(places, name)
    files = _all_files(places, name, reader.version) if reader.is_first else set()
    for version in range(reader.version, kept):
        actions = [*(log.actions(version) or [])]
        adds = [a["add"] for a in actions if "add" in a]
        if not any(a["remove"]["dataChange"] for a in actions if "remove" in a):
            files |= {unquote(add["path"]) for add in adds if add["dataChange"]}
    return files


def _all_files(places: Places, name: str, version: int) -> set[str]:
    try:
        adds = data_files(open_table(places, name, version))
    except TableError:
        return set()
    return {unquote(path) for path in adds["path"].to_pylist()}
