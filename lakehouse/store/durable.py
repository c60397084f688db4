"""Syncs files, and the folders that name them, to disk, so that they survive a loss of power.

A process that dies loses nothing that it wrote, as the kernel has it. A machine that dies loses
what the kernel had not written yet, up to half a minute. With `durability = "power"` each step is
synced before one that depends on it begins; otherwise nothing here has an effect. Behind a URL, a
write that was answered is already durable.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.errors import StorageError
from lakehouse.paths import DELTA_LOG, Places, is_url
from lakehouse.store import objects
from lakehouse.store.log import CHECKPOINT, ENTRY

# More commits of others than these do not come between a commit and its `sync_newest`.
ENTRIES = 20
LAST_CHECKPOINT = "_last_checkpoint"

# Folders that were reached from the top of their disk, by the number of the file system's own.
_reached: set[tuple[str, int]] = set()


def put(places: Places, root: str, name: str, content: bytes) -> None:
    """Write or replace an object in one atomic step; it survives what the lake's writes have to."""
    objects.put(objects.store(root), name, content)
    sync(places, root, [name])


def rename(places: Places, root: str, old: str, new: str) -> None:
    """Gives an object another name, in place of what has it, in one atomic step."""
    sync(places, root, [old])
    objects.rename(objects.store(root), old, new)
    sync(places, root, [new])


def create(places: Places, root: str, name: str, content: bytes) -> bool:
    """Write an object in one atomic step unless it exists; whether it was written."""
    is_new = objects.create(objects.store(root), name, content)
    sync(places, root, [name])
    return is_new


def swap(places: Places, root: str, name: str, content: bytes, was: bytes | None) -> bool:
    """Write an object in one atomic step in place of this content, or of none; whether it did so.

    In a folder the kernel's lock of it keeps others away that do the same, but nobody who writes
    there by hand. Raises StorageError where a bucket does not say whether it was written.
    """
    local = objects.folder(root)
    if local is None:
        return _swap_in_bucket(root, name, content, was)
    at = objects.store(root)
    with _locked(local):
        is_same = objects.get(at, name) == was
        if is_same:
            put(places, root, name, content)
    return is_same


def _swap_in_bucket(root: str, name: str, content: bytes, was: bytes | None) -> bool:
    at, most = objects.store(root), max(len(content), len(was or b""))
    try:
        seen = objects.seen(at, name, most)
        if (seen.content if seen else None) != was:
            return False
        return objects.swap(at, name, content, seen.version if seen else None) is not None
    except OSError as error:
        with suppress(OSError):
            now = objects.seen(at, name, most)
            if now and now.content == content:  # only the answer was lost
                return True
        raise StorageError(
            f"nobody knows whether {name} was written: {error}", "look at it, and try again"
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def sync(places: Places, root: str, names: Iterable[str]) -> None:
    """Syncs files below `root`, and each folder from them up to it."""
    if places.durability != "power" or is_url(root):
        return
    files = {Path(root, name) for name in names}
    for place in [*files, *_folders(Path(root), files)]:
        # a file that is gone, as a commit that was cleaned up, is nobody's promise any more
        with suppress(FileNotFoundError):
            _sync(place)
    _reach(Path(root))


def sync_newest(places: Places, table: str) -> None:
    """Syncs the newest commits of a table, and the files that they add."""
    log = Path(places.delta_log(table))
    if places.durability != "power" or is_url(places.lake) or not log.is_dir():
        return
    names = [entry.name for entry in os.scandir(log)]
    newest = sorted(name for name in names if name.endswith(".json"))[-ENTRIES:]
    entries = [f"{DELTA_LOG}/{name}" for name in newest]
    added = [name for entry in entries for name in _added(Path(places.table(table), entry))]
    since = min(map(_version, newest), default=0)
    checkpoints = [name for name in names if CHECKPOINT.match(name) and _version(name) >= since]
    sync(places, places.table(table), [*added, *entries])
    sync_checkpoints(places, table, map(_version, checkpoints))


def sync_checkpoints(places: Places, table: str, versions: Iterable[int]) -> None:
    """Write checkpoints of a table's log to the disk, and what says which is the last one."""
    wanted, log = {*versions}, places.delta_log(table)
    names = objects.names(objects.reader(places.table(table)), DELTA_LOG) if wanted else []
    files = [name for name in names if CHECKPOINT.match(name) and _version(name) in wanted]
    if files:
        sync(places, log, [*files, LAST_CHECKPOINT])


def _version(name: str) -> int:
    found = ENTRY.match(name)
    return int(found[1]) if found else 0


def on_disk(*files: Path) -> None:
    """Write these files or folders to the disk, whatever the lake's other writes survive."""
    for file in files:
        _sync(file)


def _added(entry: Path) -> list[str]:
    with suppress(FileNotFoundError):
        actions: Iterable[Any] = map(msgspec.json.decode, entry.read_bytes().splitlines())
        return [action["add"]["path"] for action in actions if "add" in action]
    return []


def _folders(root: Path, files: Iterable[Path]) -> list[Path]:
    """Returns the folders that name the files, deepest first, and the one that names the root."""
    within = {folder for f in files for folder in f.parents if folder.is_relative_to(root)}
    return sorted(within | {root.parent}, key=lambda folder: -len(folder.parts))


def _reach(root: Path) -> None:
    """Have the folders above the root on the disk too, once: they may be as new as it is."""
    with suppress(FileNotFoundError):
        seen = (str(root), root.stat().st_ino)
        if seen not in _reached:
            disk = root.stat().st_dev
            for above in (each for each in root.parents if each.stat().st_dev == disk):
                with suppress(PermissionError):  # one that we may not read, we did not make
                    _sync(above)
            _reached.add(seen)


def _sync(place: Path) -> None:
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
