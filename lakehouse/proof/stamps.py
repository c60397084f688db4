"""What is known of data files without reading their rows: whether they are those of a proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from lakehouse.paths import Places
from lakehouse.proof.proved import Stamp
from lakehouse.store import objects

# The clock of a file system may stand still for a while: who changes a file twice within it leaves
# no trace of the second time.
YOUNG_NS, THREADS = 2_000_000_000, 4


def stamps(places: Places, table: str, paths: Iterable[str]) -> dict[str, Stamp]:
    """Returns the stamps of files of a table by their paths; without those that are gone."""
    root = places.table(table)
    folder = objects.folder(root)
    if folder is None:
        wanted = {*paths}
        there = objects.tags(objects.reader(root)) if wanted else {}
        return {path: Stamp(there[path][0], tag=there[path][1]) for path in wanted & {*there}}
    found = {}
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            of = (folder / path).stat()
            found[path] = Stamp(of.st_size, of.st_mtime_ns, of.st_ctime_ns, of.st_ino)
    return found


def settled(stamp: Stamp, at: int) -> Stamp:
    """Returns a stamp as it may be noted that was taken at a time [ns since 1970].

    A file that was young then is without times, so that its bytes are hashed the next time.
    """
    is_young = at - max(stamp.written, stamp.changed) < YOUNG_NS
    return stamp._replace(written=0, changed=0) if is_young else stamp


def digests(places: Places, table: str, paths: Sequence[str]) -> dict[str, bytes]:
    """Returns the SHA-256 of the bytes of files by their paths; without those that are gone.

    They are empty in a bucket, whose objects have tags.
    """
    folder = objects.folder(places.table(table))
    if folder is None:
        return dict.fromkeys(paths, b"")
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda path: _digest(folder / path), paths)
        return {path: of for path, of in zip(paths, found, strict=True) if of}


def _digest(file: Path) -> bytes:
    with suppress(FileNotFoundError), file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()
    return b""
