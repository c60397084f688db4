"""Groups files of one form into datasets, as a crawler does: partitions in paths, and drift."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from batch.formats.assumed import has_service, service_of
from batch.formats.kind import Kind, sniff
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import text_of
from lakehouse.formats.registry import named

PARTITION = re.compile(r"([A-Za-z_]\w*)=(.+)")
# Files of a folder are one dataset if they share at least this part of their columns.
ALIKE = 0.5


@dataclass
class Dataset:
    """Files below one folder that have one form and, for the most part, the same columns."""

    root: Path
    files: dict[Path, Kind] = field(default_factory=dict)

    @cached_property
    def usual(self) -> Kind:
        """The kind that most of the files have."""
        counted = Counter(kind for kind in self.files.values())
        return counted.most_common(1)[0][0]

    @property
    def bytes(self) -> int:
        """The size of the files on disk."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def columns(self) -> list[str]:
        """The columns of all files, in the order of the usual ones."""
        names = [name for kind in (self.usual, *self.files.values()) for name in kind.columns]
        return list(dict.fromkeys(names))

    @property
    def partitions(self) -> dict[str, list[str]]:
        """The keys that folders name (`date=2026-05-01`) and their values, in order."""
        found: dict[str, set[str]] = {}
        for file in self.files:
            for match in filter(None, map(PARTITION.fullmatch, file.parent.parts)):
                found.setdefault(match[1], set()).add(match[2])
        return {key: sorted(values) for key, values in found.items()}

    @property
    def missing(self) -> list[str]:
        """The fields that every event has and no column gives, so that they are assumed."""
        has_time = not named(self.usual.format).has_keys or "timestamp" in self.fields
        lacking = {"timestamp": not has_time, "service": not has_service(self.usual)}
        return [name for name, is_missing in lacking.items() if is_missing]

    @property
    def fields(self) -> set[str]:
        """The fields of an event that columns give."""
        return {*self.usual.fields.values()}

    @property
    def services(self) -> list[str]:
        """The services that its records get by the names of files; none where they name theirs."""
        names = map(service_of, self.files) if "service" in self.missing else ()
        return list(dict.fromkeys(names))

    def drift(self) -> Iterator[str]:
        """Yields, for each file whose columns are not the usual ones, how they differ."""
        for file, kind in self.files.items():
            more = [name for name in kind.columns if name not in self.usual.columns]
            less = [name for name in self.usual.columns if name not in kind.columns]
            differences = [
                f"{word} {', '.join(names)}"
                for word, names in (("has", more), ("lacks", less))
                if names
            ]
            if differences:
                yield f"{self.inside(file)} {' and '.join(differences)}"
            elif kind.columns != self.usual.columns and kind.format == "csv":
                yield f"{self.inside(file)} has them in another order"

    def inside(self, file: Path) -> str:
        """A file's name from the root of the dataset."""
        within = file.relative_to(self.root) if file != self.root else Path(file.name)
        return text_of(within.as_posix())


def datasets(files: Iterable[Path]) -> tuple[list[Dataset], list[str]]:
    """Groups files into datasets. Returns them, and why each other file was not recognised."""
    found: list[Dataset] = []
    refused: list[str] = []
    for file in files:
        try:
            kind = sniff(file)
        except SettingsError as error:
            refused.append(error.what)
            continue
        root = _root(file)
        of = next((one for one in found if one.root == root and _alike(one, kind)), None)
        if of is None:
            found.append(of := Dataset(root))
        of.files[file] = kind
    return found, refused


def _root(file: Path) -> Path:
    """The folder above those that name partitions."""
    folder = file.parent
    while PARTITION.fullmatch(folder.name):
        folder = folder.parent
    return folder


def _alike(of: Dataset, kind: Kind) -> bool:
    first = next(iter(of.files.values()))
    form = (first.format, first.delimiter, first.header)
    if form != (kind.format, kind.delimiter, kind.header):
        return False
    own, other = {*first.columns}, {*kind.columns}
    return len(own & other) >= ALIKE * len(own | other)
