"""Keeps the skip index: entries for new files, one segment a day, none of files that are gone.

Each step may be repeated, and run beside another: what is written is right by itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.paths import Places, is_url
from lakehouse.skipping import entry
from lakehouse.skipping.kept import LOST, Kept, day_of
from lakehouse.skipping.segment import Entry
from lakehouse.store import data_files, objects, open_table
from lakehouse.tables.catalog import LOGS

ROWS_AT_ONCE = 1 << 16
# Columns whose values repeat are read as each value once, as they are written.
REPEATED = ["path", "endpoint", "user_agent", "app", "ip", "user"]
# A segment is written once it has so many entries or bytes, and a larger one is not merged.
MOST_ENTRIES, MOST_BYTES = 512, 64 << 20
# Segments of the newest day before they are merged; of an older one there is one.
MOST_SEGMENTS = 8
Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Indexed:
    """What was added for the data files of a day: files and bytes of the index."""

    day: str
    files: int
    bytes: int


def refresh(places: Places, files: Sizes | None = None, check_all: bool = True) -> list[Indexed]:
    """Brings the index up to date for data files, by default all of the newest version.

    Damaged parts are deleted, and made anew; with `check_all` each is looked for.
    """
    active = active_files(places)
    if check_all:
        Kept(places, LOGS.name).delete(damaged(places))
    made = [*add(places, active if files is None else files)]
    merge(places, active)
    return made


def damaged(places: Places) -> list[str]:
    """Returns the segments that are not as they were written, and so are of no use."""
    kept = Kept(places, LOGS.name)
    return [name for name in kept.names() if kept.is_damaged(name)]


def check_one(places: Places) -> None:
    """Reads one segment, by chance, to its last bit, and deletes it if it is damaged."""
    kept = Kept(places, LOGS.name)
    names = kept.names()
    if names and kept.is_damaged(name := random.choice(names)):
        kept.delete([name])


def active_files(places: Places) -> dict[str, int]:
    """Returns the data files of the newest version of `logs`, with their bytes."""
    adds = data_files(open_table(places, LOGS))
    return dict(zip(adds["path"].to_pylist(), adds["size_bytes"].to_pylist(), strict=True))


def missing(places: Places, files: Sizes) -> dict[str, int]:
    """Returns the files that have no entry yet."""
    known = {file.path for _, head in Kept(places, LOGS.name).readable() for file in head.files}
    return {path: size for path, size in files.items() if path not in known}


def add(places: Places, files: Sizes) -> Iterator[Indexed]:
    """Makes entries for the files that have none, day by day; yields what was written."""
    todo = sorted(missing(places, files).items())
    for day, of_day in groupby(todo, key=lambda one: day_of(one[0])):
        for entries in _portions(_built(places, of_day)):
            name = Kept(places, LOGS.name).write(day, entries)
            size = objects.size(Kept(places, LOGS.name).at, name) or 0
            yield Indexed(day, len(entries), size)


def merge(places: Places, active: Sizes) -> None:
    """Makes one segment of several of a day, without entries of files that are gone."""
    kept = Kept(places, LOGS.name)
    days = [(day, [*names]) for day, names in groupby(kept.names(), key=_day)]
    for day, names in days:
        most = MOST_SEGMENTS if (day, names) == days[-1] else 1
        small = [name for name in names if (objects.size(kept.at, name) or 0) < MOST_BYTES]
        if len(small) > most:
            _rewrite(kept, day, small, _gone(places, kept, small, active))


def forget(places: Places, dry_run: bool = False) -> int:
    """Deletes the entries of data files that are gone. Returns how many there were.

    Parts that cannot be read are deleted whole.
    """
    kept = Kept(places, LOGS.name)
    names = kept.names()
    if not names:
        return 0
    there = {*objects.names_below(objects.reader(places.table(LOGS)))}
    count = 0
    for name in names:
        try:
            paths = [file.path for file in kept.head(name).files]
        except FileNotFoundError:
            continue
        except LOST:
            paths = [""]
        gone = {path for path in paths if unquote(path) not in there}
        count += len(gone)
        if gone and not dry_run:
            _rewrite(kept, _day(name), [name], gone)
    return count


def _rewrite(kept: Kept, day: str, names: list[str], gone: set[str]) -> None:
    """Writes the entries of segments as one, then deletes these; a damaged one is deleted."""
    entries = dict[str, Entry]()
    for name in names:
        try:
            entries |= {each.path: each for each in kept.entries(name) if each.path not in gone}
        except LOST:
            continue
    if entries:
        kept.write(day, [*entries.values()])
    kept.delete(names)


def _gone(places: Places, kept: Kept, names: list[str], active: Sizes) -> set[str]:
    """Returns the paths of entries whose files are in no version that can be read."""
    root = objects.reader(places.table(LOGS))
    found = set[str]()
    for name in names:
        try:
            paths = {file.path for file in kept.head(name).files} - active.keys()
        except LOST:
            continue
        found |= {path for path in paths if objects.size(root, unquote(path)) is None}
    return found


def _day(name: str) -> str:
    return name.partition("/")[0]


def _portions(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yields entries together, as many as a segment has."""
    portion, size = list[Entry](), 0
    for one in entries:
        portion.append(one)
        size += sum(map(len, one.filters.values()))
        if len(portion) >= MOST_ENTRIES or size >= MOST_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _built(places: Places, files: Iterable[tuple[str, int]]) -> Iterator[Entry]:
    """Yields an entry for each file that can be read; one that is gone meanwhile needs none."""
    for path, size in files:
        try:
            filters = entry.build(_rows(places, path), size)
        except (OSError, pa.ArrowException):
            continue
        yield Entry(path, size, filters)


def _rows(places: Places, path: str) -> Iterator[pa.RecordBatch]:
    root, name = places.table(LOGS), unquote(path)
    file: str | pa.BufferReader = str(Path(root, name))
    if is_url(root):
        file = pa.BufferReader(objects.get(objects.reader(root), name) or b"")
    with pq.ParquetFile(file, read_dictionary=REPEATED, pre_buffer=False) as rows:
        named = {*rows.schema_arrow.names}
        there = [column for column in entry.COLUMNS if column in named]
        yield from rows.iter_batches(ROWS_AT_ONCE, columns=there, use_threads=False)
