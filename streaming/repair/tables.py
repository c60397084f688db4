"""Repairs tables with files that a crash of the machine left incomplete.

Nothing is deleted: incomplete files move to `_torn` below their table. A log entry is replaced by
an empty one, so that later versions keep their numbers and streams continue. A data file is taken
out of the table. `recover ingest` then takes again what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.paths import DELTA_LOG, Places, is_url
from lakehouse.store import durable, note_of, table_or_none
from lakehouse.store.durable import LAST_CHECKPOINT
from lakehouse.store.log import CHECKPOINT, COMMIT, Log, entries
from lakehouse.store.whole import not_whole

TORN = "_torn"


@dataclass(frozen=True)
class Repair:
    """One file that was put aside; `rows` of its table went with it, None if that is unknown."""

    table: str
    file: str
    what: str
    rows: int | None


def repair(places: Places, names: list[str]) -> Iterator[Repair]:
    """Puts incomplete files aside, for tables in a folder that nobody uses. May be repeated.

    Raises TableError where no complete version is left.
    """
    if is_url(places.lake):
        return
    for name in names:
        yield from _log(places, name)
        found = table_or_none(places, name)
        if found is not None:
            yield from _data(places, name, found)


def _log(places: Places, name: str) -> Iterator[Repair]:
    log, folder = Log(places, name), Path(places.delta_log(name))
    torn = [(version, file) for version, file in entries(log.names()) if not log.is_whole(file)]
    for _, file in torn:
        if CHECKPOINT.match(file):
            _aside(places, name, folder / LAST_CHECKPOINT)
            _aside(places, name, folder / file)
            yield Repair(name, f"{DELTA_LOG}/{file}", "a checkpoint of the log", 0)
    for version, file in torn:
        if COMMIT.match(file):
            _refuse_first(places, name, version, file)
            rows = _rows_noted((folder / file).read_bytes())
            _aside(places, name, folder / file)
            _put_nothing(places, folder / file)
            yield Repair(name, f"{DELTA_LOG}/{file}", f"version {version}", rows)


def _refuse_first(places: Places, name: str, version: int, file: str) -> None:
    if version == 0:
        raise TableError(
            f"the log of table {name} has nothing before {file}, which is not whole",
            f"move {places.table(name)} aside: it is made anew, and `logpond recover ingest` "
            "takes the records again",
        )


def _rows_noted(content: bytes) -> int | None:
    """Returns the rows that a commit says it added, if that part of it is left."""
    try:
        info: dict[str, Any] = msgspec.json.decode(content.splitlines()[0])["commitInfo"]
        return int(note_of(info)["rows"])
    except (msgspec.DecodeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _put_nothing(places: Places, entry: Path) -> None:
    """Replaces a log entry by a commit that changes nothing and says why."""
    info = {"timestamp": int(time.time() * 1000), "operation": "RECOVER", "operationParameters": {}}
    nothing = msgspec.json.encode({"commitInfo": info})
    durable.put(places, str(entry.parent), entry.name, nothing)


def _data(places: Places, name: str, found: DeltaTable) -> Iterator[Repair]:
    gone = [Repair(name, file, "a data file", n) for file, n in not_whole(places, name, found)]
    for each in gone:
        _aside(places, name, Path(places.table(name)) / each.file)
    if gone:
        found.repair()
        durable.sync_newest(places, name)
    yield from gone


def _aside(places: Places, name: str, file: Path) -> None:
    """Moves a file to `_torn`, with the time in its name."""
    if file.exists():
        aside = Path(places.table(name)) / TORN
        aside.mkdir(exist_ok=True)
        file.rename(aside / f"{file.name}.{time.time_ns()}")
