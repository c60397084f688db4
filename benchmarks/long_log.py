"""A table of very many commits, made in seconds: its log is written, and not committed.

Ten thousand real commits take a quarter of an hour. So one is made, and its entry is repeated with
another number, file and transaction; of the whole log deltalake makes the checkpoints.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import DeltaTable

from benchmarks.sql import LIMITS, brought, raw
from lakehouse.decode import decode
from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import DataFile, Key, Writer, files, objects
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

HOURS, AT_ONCE = 24, 16
WRITER = "long/logs"
Entry = list[dict[str, Any]]


def events(rows: int, at: datetime) -> pa.Table:
    """So many rows of `logs`, of the second that begins then; others for each hour of a day."""
    start = int(at.timestamp() * 1e6)
    sent = Traffic(at.hour, start, rows, Shares(0, 0, 0)).tick(start, start + 10**6, rows)
    return brought(decode(raw([value for _, value in sent], 0, at), LIMITS).events, at, 0)


def long_log(places: Places, commits: int, active: int, rows: int) -> None:
    """Makes `logs` in an empty lake on this machine: a file of `rows` events each commit.

    The newest `active` files are in the table, and those before are removed, as if upkeep had put
    them into others. They are 24 different ones, of an hour each, under many names.
    """
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    writer, root = Writer(places, LOGS), Path(places.table(LOGS))
    hours = (first - timedelta(hours=back) for back in range(1, HOURS + 1))
    made = [files.write(LOGS, events(rows, at), str(root), "file") for at in hours]
    writer.commit(made[0], Key(WRITER, 0))
    entry = [*(Log(places, LOGS.name).actions(1) or ())]
    for version in range(2, commits + 1):
        named = _file(made, version)
        if version > commits - active:
            os.link(root / made[version % HOURS][0].path, root / named.path)
        gone = _file(made, version - active) if version > active else None
        _write(root, version, _repeated(entry, version, named, gone))
    DeltaTable(str(root)).create_checkpoint()


def _file(made: list[list[DataFile]], version: int) -> DataFile:
    """The file that a commit adds: the first one is real, and under its own name."""
    if version == 1:
        return made[0][0]
    (one,) = made[version % HOURS]
    folder, _, _ = one.path.rpartition("/")
    return msgspec.structs.replace(one, path=f"{folder}/part-{version}.parquet")


def _repeated(entry: Entry, version: int, added: DataFile, gone: DataFile | None) -> Entry:
    now = int(datetime.now(UTC).timestamp() * 1000)
    changed: dict[str, dict[str, Any]] = {
        "commitInfo": {"timestamp": now},
        "add": {
            "path": added.path,
            "partitionValues": added.partition,
            "size": added.size,
            "stats": added.stats,
            "modificationTime": now,
        },
        "txn": {"version": version - 1, "lastUpdated": now},
    }
    actions = [{kind: {**of, **changed[kind]}} for action in entry for kind, of in action.items()]
    if gone:
        removed = {"path": gone.path, "partitionValues": gone.partition, "size": gone.size}
        times = {"deletionTimestamp": now, "dataChange": False, "extendedFileMetadata": True}
        actions.append({"remove": removed | times})
    return actions


def _write(root: Path, version: int, actions: Entry) -> None:
    content = b"\n".join(map(msgspec.json.encode, actions))
    (root / DELTA_LOG / f"{version:020d}.json").write_bytes(content)


def uploaded(folder: Path, url: str) -> None:
    """Puts all files of a folder into a bucket, many at once."""
    at = objects.store(url)

    def put(file: Path) -> None:
        objects.put(at, str(file.relative_to(folder)), file.read_bytes())

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(put, (file for file in folder.rglob("*") if file.is_file())):
            pass
