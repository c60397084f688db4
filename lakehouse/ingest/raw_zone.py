"""The raw zone of the lake: which files were imported, how they were read, and their bytes.

A file is known by its sha256, its content; a path says which content it had last.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lakehouse.errors import TableError
from lakehouse.event.textfile import open_regular
from lakehouse.ingest.plans import Plan, Plans
from lakehouse.ingest.queries import IMPORT
from lakehouse.paths import Places
from lakehouse.store import Key, objects
from lakehouse.store.durable import sync
from lakehouse.tables.catalog import LOGS, QUARANTINE

Kind = TypeVar("Kind")
MANIFESTS, PATHS, COPIES = "manifests", "paths", "files"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the records of a file become events: `mapping` is column to field of an event.

    `constants` are fields that every record gets; with `utc` a time without a zone is UTC.
    """

    format: str
    compressed: bool = False
    delimiter: str = ""
    header: bool = False
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = {}
    constants: dict[str, str] = {}
    utc: bool = False


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What a file brought: `records` of it, `rejects` among them, the others by date (`dates`).

    `unpacked` is the sha256 of its bytes without gzip. `taken` is when its content was first
    imported: it stands for the broker's time, so that a verdict is the same at a repeat. `batch`
    is the version of its transactions: even where its rows are in the tables, odd where they were
    removed again.
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

    @property
    def topic(self) -> str:
        """The coordinate of its rows."""
        return f"file:{self.sha256}"

    @property
    def is_in(self) -> bool:
        """Whether its rows are in the tables, as far as this goes."""
        return self.batch % 2 == 0

    @property
    def writer(self) -> str:
        """Who committed its rows, as `_commit` and the transactions say."""
        return f"import/{self.sha256}"

    @property
    def tables(self) -> dict[str, int]:
        """The tables that it brings rows to, in the order of their commits, and how many."""
        rows = {QUARANTINE.name: self.rejects, LOGS.name: self.records - self.rejects}
        return {name: count for name, count in rows.items() if count}

    def key(self, table: str) -> Key:
        """The transaction of its commit to a table."""
        return Key(f"{self.writer}/{table}", self.batch)


class ImportPlan(Plan, frozen=True, kw_only=True):
    """What an import will commit, and the contents that it will remove before.

    It is kept until the windows that it touches are counted again.
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
    """Manifests by content, contents by path, copies; and the plans of imports under way."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.plans = Plans(places, IMPORT.name, ImportPlan)

    def manifests(self) -> dict[str, Imported]:
        """What is known of each content, by sha256."""
        found = self._all(MANIFESTS, Imported)
        return {each.sha256: each for each in found}

    def paths(self) -> dict[str, str]:
        """The sha256 of the content that each path was last imported with."""
        found = self._all(PATHS, dict[str, str])
        return {each["path"]: each["sha256"] for each in found}

    def note(self, what: Imported) -> None:
        """Write down what a content brought."""
        self._put(f"{MANIFESTS}/{what.sha256}.json", what)

    def claim(self, path: str, sha256: str) -> None:
        """Write down which content a path has."""
        name = hashlib.sha256(path.encode()).hexdigest()
        self._put(f"{PATHS}/{name}.json", {"path": path, "sha256": sha256})

    def keep(self, file: Path, sha256: str) -> None:
        """Copy a file as it is, unless its content is there; nothing half written counts."""
        at = objects.store(self._places.raw)
        with open_regular(file) as content:
            if objects.size(at, f"{COPIES}/{sha256}") != os.fstat(content.fileno()).st_size:
                objects.put_file(at, f"{COPIES}/{sha256}", content)
                sync(self._places, self._places.raw, [f"{COPIES}/{sha256}"])

    def _put(self, name: str, content: Any) -> None:
        text = msgspec.json.format(msgspec.json.encode(content))
        objects.put(objects.store(self._places.raw), name, text)
        sync(self._places, self._places.raw, [name])

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
