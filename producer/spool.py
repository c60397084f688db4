"""Keeps records that were not acked on disk until a later start has sent them.

A file appears whole (written under another name, synced, renamed). It is removed only after its
records are acked or kept again: a crash in between repeats records, under the same event_id, and
loses none.
"""

from __future__ import annotations

import fcntl
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from lakehouse.errors import SettingsError
from lakehouse.store.disk import in_words
from producer.traffic.faults import Record

UNSENT, REFUSED = "unsent", "refused"


def keep(folder: Path, records: Iterable[Record], kind: str = UNSENT) -> Path | None:
    """Writes the records to a new file and returns it; None where there are none.

    Raises SettingsError where the disk is full.
    """
    lines = [_line(*record) for record in records]
    if not lines:
        return None
    with in_words(str(folder)):
        return _keep(folder, lines, kind)


def _keep(folder: Path, lines: list[bytes], kind: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{kind}-{time.time_ns()}-{os.getpid()}.ndjson"
    aside = kept.with_suffix(".tmp")
    with aside.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(kept)
    _sync(folder)
    return kept


def claim(folder: Path) -> list[BinaryIO]:
    """Returns unsent files that no running producer holds, oldest first, and holds them.

    The folder is made at the start, so that a folder that cannot be written is found before any
    record is sent.
    """
    _check(folder)
    return [held for path in sorted(folder.glob(f"{UNSENT}-*.ndjson")) if (held := _hold(path))]


def records(files: Iterable[BinaryIO]) -> Iterator[Record]:
    """Yields the records in the files, in order."""
    for file in files:
        for line in file:
            key, value = orjson.loads(line)
            yield b64decode(key), None if value is None else b64decode(value)


def erase(folder: Path, is_meant: Callable[[bytes], bool], dry_run: bool = False) -> int:
    """Takes the records out that are meant, by key and value. Returns how many.

    Files that a running producer holds are left: it is about to send them.
    """
    count = 0
    for path in sorted(folder.glob("*.ndjson")):
        if (held := _hold(path)) is None:
            continue
        with held:
            found = [*records([held])]
            kept = [one for one in found if not is_meant(one[0] + b"\n" + (one[1] or b""))]
            count += len(found) - len(kept)
            if len(kept) < len(found) and not dry_run:
                keep(folder, kept, path.name.partition("-")[0])
                path.unlink()
    return count


def drop(files: list[BinaryIO]) -> None:
    """Removes claimed files."""
    while files:
        file = files.pop()
        Path(file.name).unlink()
        file.close()


def _check(folder: Path) -> None:
    probe = folder / f"try-{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"unsent records cannot be kept in {folder}: {error.strerror}",
            "make it writable, or name another by --spool",
        ) from None


def _hold(path: Path) -> BinaryIO | None:
    file = path.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    # whoever held it may have sent and removed it in the meantime
    return file if path.exists() else None


def _line(key: bytes, value: bytes | None) -> bytes:
    text = None if value is None else b64encode(value).decode()
    return orjson.dumps([b64encode(key).decode(), text]) + b"\n"


def _sync(folder: Path) -> None:
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
