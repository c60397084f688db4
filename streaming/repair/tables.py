"""Tables that a crash of the machine left with files that are not whole go back to what is.

Nothing is deleted: what is not whole moves to `_torn` below its table. A log entry is replaced by
one that does nothing, so that later versions keep their numbers, and a stream that reads the table
goes on. A data file is taken out of the table. What is then missing, `recover ingest` takes again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.paths import DELTA_LOG, Places, is_url
from lakehouse.store import note_of, objects, table_or_none
from lakehouse.store.log import CHECKPOINT, COMMIT, PARQUET, Log, entries

LAST_CHECKPOINT = "_last_checkpoint"
TORN = "_torn"


@dataclass(frozen=True)
class Repair:
    """One file that was put aside; `rows` of its table went with it, None where it cannot say."""

    table: str
    file: str
    what: str
    rows: int | None


def repair(places: Places, names: list[str]) -> Iterator[Repair]:
    """Put aside what is not whole, of tables at rest in a folder. Safe to repeat after a crash.

    Raises TableError where nothing whole is left to go back to.
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
            _put_nothing(folder / file)
            yield Repair(name, f"{DELTA_LOG}/{file}", f"version {version}", rows)


def _refuse_first(places: Places, name: str, version: int, file: str) -> None:
    if version == 0:
        raise TableError(
            f"the log of table {name} has nothing before {file}, which is not whole",
            f"move {places.table(name)} aside: it is made anew, and `logpond recover ingest` "
            "takes the records again",
        )


def _rows_noted(content: bytes) -> int | None:
    """The rows that a commit says it brought, if so much of it is left."""
    try:
        info: dict[str, Any] = msgspec.json.decode(content.splitlines()[0])["commitInfo"]
        return int(note_of(info)["rows"])
    except (msgspec.DecodeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _put_nothing(entry: Path) -> None:
    """A commit that says what it is, and changes nothing."""
    info = {"timestamp": int(time.time() * 1000), "operation": "RECOVER", "operationParameters": {}}
    objects.put(
        objects.store(str(entry.parent)), entry.name, msgspec.json.encode({"commitInfo": info})
    )


def _data(places: Places, name: str, found: DeltaTable) -> Iterator[Repair]:
    adds, root = pa.table(found.get_add_actions()), Path(places.table(name))
    gone = []
    for path, size, rows in zip(
        *(adds[c].to_pylist() for c in ("path", "size_bytes", "num_records")), strict=True
    ):
        file = root / unquote(path)
        if not _is_whole(file, size):
            gone.append(Repair(name, unquote(path), "a data file", rows))
            _aside(places, name, file)
    if gone:
        found.repair()
    yield from gone


def _is_whole(file: Path, size: int) -> bool:
    if not file.is_file() or file.stat().st_size != size:
        return False
    with file.open("rb") as opened:
        opened.seek(-len(PARQUET), 2)
        return opened.read() == PARQUET


def _aside(places: Places, name: str, file: Path) -> None:
    """Keep a file below `_torn`, under its name and the moment."""
    if file.exists():
        aside = Path(places.table(name)) / TORN
        aside.mkdir(exist_ok=True)
        file.rename(aside / f"{file.name}.{time.time_ns()}")
