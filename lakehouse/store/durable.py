"""What survives the loss of power: files, and the folders that name them, written to the disk.

A process that dies loses nothing that it wrote: the kernel has it. A machine that dies loses what
the kernel had not written yet, up to half a minute. With `durability = "power"` each step that a
later one rests on is on the disk before that one begins; else nothing here does anything. Behind a
URL a write that was answered is durable already.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.paths import DELTA_LOG, Places, is_url

# More commits of others than these do not come between a commit and its `sync_newest`.
ENTRIES = 20


def sync(places: Places, root: str, names: Iterable[str]) -> None:
    """Write files below `root`, and each folder from them up to it, to the disk."""
    if places.durability != "power" or is_url(root):
        return
    files = {Path(root, name) for name in names}
    for place in [*files, *_folders(Path(root), files)]:
        # a file that is gone, as a commit that was cleaned up, is nobody's promise any more
        with suppress(FileNotFoundError):
            _sync(place)


def sync_newest(places: Places, table: str) -> None:
    """Write the newest commits of a table, and the files that they add, to the disk."""
    log = Path(places.delta_log(table))
    if places.durability != "power" or is_url(places.lake) or not log.is_dir():
        return
    newest = sorted(entry.name for entry in os.scandir(log) if entry.name.endswith(".json"))
    entries = [f"{DELTA_LOG}/{name}" for name in newest[-ENTRIES:]]
    added = [name for entry in entries for name in _added(Path(places.table(table), entry))]
    sync(places, places.table(table), [*added, *entries])


def _added(entry: Path) -> list[str]:
    with suppress(FileNotFoundError):
        actions: Iterable[Any] = map(msgspec.json.decode, entry.read_bytes().splitlines())
        return [action["add"]["path"] for action in actions if "add" in action]
    return []


def _folders(root: Path, files: Iterable[Path]) -> list[Path]:
    """The folders that name the files, the deepest first, and the one that names the root."""
    within = {folder for f in files for folder in f.parents if folder.is_relative_to(root)}
    return sorted(within | {root.parent}, key=lambda folder: -len(folder.parts))


def _sync(place: Path) -> None:
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
