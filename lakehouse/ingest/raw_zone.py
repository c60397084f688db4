"""The raw zone of the lake: which files were imported, how they were read, and copies of them.

A file is known by the SHA-256 of its content; a path is noted with its last content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lakehouse.errors import SettingsError, TableError
from lakehouse.event.textfile import open_regular
from lakehouse.formats.reading import Reading
from lakehouse.ingest.plans import Plan, Plans
from lakehouse.ingest.queries import IMPORT
from lakehouse.paths import Places
from lakehouse.store import Key, durable, objects
from lakehouse.tables.catalog import LOGS, QUARANTINE

Kind = TypeVar("Kind")
MANIFESTS, PATHS, COPIES = "manifests", "paths", "files"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import added: `rejects` and, by date, events (`dates`), of so many `records`.

    `rows` are both together: more than the records where one holds several events.

    `unpacked` is the sha256 of its bytes without gzip. `taken` is when its content was first
    imported: it stands for the broker's time, so that a repeat gives the same verdicts. `batch` is
    the version of its transactions: even if its rows are in the tables, odd if they were removed
    again.
    """

    sha256: str
    unpacked: str
    path: str
    size: int
    reading: Reading
    taken: datetime
    imported_at: datetime
    batch: int = 0
    records: int = 0
    rejects: int = 0
    dates: dict[str, int] = {}
    rows: int | None = None

    @property
    def topic(self) -> str:
        """The value of `_topic` in its rows."""
        return f"file:{self.sha256}"

    @property
    def is_in(self) -> bool:
        """Whether its rows are in the tables, by this version."""
        return self.batch % 2 == 0

    @property
    def writer(self) -> str:
        """The writer of its rows in `_commit` and in the transactions."""
        return f"import/{self.sha256}"

    @property
    def tables(self) -> dict[str, int]:
        """Its tables in the order of commits, and how many rows each gets."""
        all_rows = self.records if self.rows is None else self.rows
        rows = {QUARANTINE.name: self.rejects, LOGS.name: all_rows - self.rejects}
        return {name: count for name, count in rows.items() if count}

    def key(self, table: str) -> Key:
        """The transaction of its commit to a table."""
        return Key(f"{self.writer}/{table}", self.batch)


class ImportPlan(Plan, frozen=True, kw_only=True):
    """The files that an import will commit, and the contents that it will remove first.

    It is kept until the windows that it changes are counted again.
    """

    what: Imported
    replaces: list[Imported] = msgspec.field(default_factory=list)

    @property
    def name(self) -> str:
        """One that only removes is named by its path too: its content may come by another plan."""
        path = hashlib.sha256(self.what.path.encode()).hexdigest()[:12]
        return f"{self.what.sha256}.{self.what.batch}{'' if self.files else f'.{path}'}.json"

    def key(self, table: str) -> Key:
        """The transaction of the content's rows."""
        return self.what.key(table)


class RawZone:
    """Manifests by content, contents by path, copies of files; and plans of unfinished imports."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.plans = Plans(places, IMPORT.name, ImportPlan)

    def manifests(self) -> dict[str, Imported]:
        """What is known of each content, by sha256."""
        found = self._all(MANIFESTS, Imported)
        return {each.sha256: each for each in found}

    def manifest(self, sha256: str) -> Imported | None:
        """Returns what is known of one content; None where it was never imported."""
        name = f"{MANIFESTS}/{sha256}.json"
        content = objects.get(objects.reader(self._places.raw), name)
        return _decoded(content, Imported, self._places.raw_file(name)) if content else None

    def paths(self) -> dict[str, str]:
        """The sha256 of the content that each path was last imported with."""
        found = self._all(PATHS, dict[str, str])
        return {each["path"]: each["sha256"] for each in found}

    def note(self, what: Imported) -> None:
        """Writes the manifest of a content."""
        self._put(f"{MANIFESTS}/{what.sha256}.json", what)

    def claim(self, path: str, sha256: str) -> None:
        """Writes which content a path has."""
        name = hashlib.sha256(path.encode()).hexdigest()
        self._put(f"{PATHS}/{name}.json", {"path": path, "sha256": sha256})

    def keep(self, file: Path, sha256: str, check: Callable[[], None] = lambda: None) -> None:
        """Copies a file as it is, unless its content is there.

        Nothing half written counts, nor what `check`, asked once all is copied, raises for.
        """
        at, name = objects.store(self._places.raw), f"{COPIES}/{sha256}"
        with open_regular(file) as content:
            if objects.size(at, name) == os.fstat(content.fileno()).st_size:
                return
            objects.put_file(at, f"{name}.new", content)
        try:
            check()
        except SettingsError:
            objects.delete(at, f"{name}.new")
            raise
        durable.rename(self._places, self._places.raw, f"{name}.new", name)

    def copied(self, sha256: str) -> int | None:
        """Returns the size of the copy of a content in bytes; None where there is none."""
        return objects.size(objects.reader(self._places.raw), f"{COPIES}/{sha256}")

    def forget_copy(self, sha256: str) -> None:
        """Deletes the copy of a content; what it was stays noted."""
        objects.delete(objects.store(self._places.raw), f"{COPIES}/{sha256}")

    def _put(self, name: str, content: Any) -> None:
        text = msgspec.json.format(msgspec.json.encode(content))
        durable.put(self._places, self._places.raw, name, text)

    def _all(self, folder: str, kind: type[Kind]) -> Iterator[Kind]:
        at = objects.reader(self._places.raw)
        for name in objects.names(at, folder):
            content = objects.get(at, f"{folder}/{name}")
            if content is not None:
                yield _decoded(content, kind, self._places.raw_file(f"{folder}/{name}"))


def _decoded(content: bytes, kind: type[Kind], place: str) -> Kind:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise TableError(
            f"{place} cannot be read: {error}",
            "move it aside: its file can then be imported again, in the place of its rows",
        ) from None
