"""Recognises a file by its first lines, by the registry of formats; else says what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import BOM, is_gzip, opened, refused
from lakehouse.formats.format import ENOUGH, Proposal
from lakehouse.formats.messages import BEFORE
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.registry import named
from lakehouse.formats.values import KINDS

HEAD = 256 << 10
MAGIC = {
    b"PK\x03\x04": "a zip archive: unpack it",
    b"BZh": "bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "zstandard: unpack it, or pack it with gzip",
    b"PAR1": "Parquet: `logpond sql` reads it, FROM 'file.parquet'",
    b"\xff\xfe": "UTF-16: iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "UTF-16: iconv -f UTF-16 -t UTF-8",
    b"ustar": "a tar archive: unpack it",
}
FORMATS = "logs of text can be read, also as gzip"


@dataclass(frozen=True)
class Kind:
    """What a file is: the name of its format, and what is proposed for it.

    `mapping` is column -> event field; of columns in `untold` the unit is a guess. `columns` are
    those of a header (`column0`, ... without one), the keys of objects, or what the format finds.
    """

    format: str
    compressed: bool = False
    columns: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    mapping: dict[str, str] = field(default_factory=dict, hash=False)
    units: dict[str, str] = field(default_factory=dict, hash=False)
    untold: dict[str, str] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = field(default=(), hash=False, compare=False)
    lacks_zone: bool = field(default=False, hash=False, compare=False)

    @property
    def delimiter(self) -> str:
        """What stands between the values of CSV."""
        return str(self.options.get("delimiter", ""))

    @property
    def header(self) -> bool:
        """Whether CSV has a header."""
        return bool(self.options.get("header"))

    @property
    def fields(self) -> dict[str, str]:
        """Column -> event field, also where a unit is a guess, or the format itself gives it."""
        own = {} if named(self.format).has_keys else {c: c for c in self.columns if c in KINDS}
        return own | self.mapping | dict.fromkeys(self.untold, "response_time")

    def reading(self, path: Path) -> Reading:
        """How a file's records are read, as it is proposed; a time without a zone is one of UTC."""
        mapping = self.mapping | dict.fromkeys(self.untold, "response_time")
        units = self.units | {mapping[name]: unit for name, unit in self.untold.items()}
        options = self.options | before(path, self.format)
        return Reading(
            format=self.format, options=options, mapping=mapping, units=units, zone="UTC"
        )


def before(path: Path, format: str) -> dict[str, str]:
    """Returns the option that says when a file was last written to, for times without a year."""
    return {BEFORE: written(path).isoformat()} if named(format).needs_times else {}


def written(path: Path) -> datetime:
    """Returns when a file was last written to, to the second."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def sniff(path: Path, format: str = "") -> Kind:
    """Returns what a file is; with `format` it is of that one.

    Raises SettingsError, with the reason, if it cannot be read.
    """
    packed = is_gzip(path)
    head = _head(path)
    sample = sample_of(head)
    if not sample.lines:
        raise SettingsError(f"{path} is empty", "there is nothing to read")
    if reason := _unreadable(head):
        raise SettingsError(f"{path} is {reason}", FORMATS)
    found = recognise(sample, lambda one: not format or one.name == format)
    if found is None:  # a person knows better than its first lines
        return Kind(format, packed)
    return kind_of(found.format.name, found.proposal, packed)


def kind_of(format: str, found: Proposal, packed: bool = False) -> Kind:
    """What a proposal says of a file."""
    return Kind(
        format,
        packed,
        found.columns,
        dict(found.options),
        dict(found.mapping),
        dict(found.units),
        dict(found.untold),
        found.notes,
        found.lacks_zone,
    )


def _head(path: Path) -> bytes:
    """The first whole lines."""
    with opened(path) as file, refused(path):
        head = file.read(HEAD).removeprefix(BOM)
    return head[: head.rindex(b"\n") + 1] if len(head) >= HEAD - 3 and b"\n" in head else head


def _unreadable(head: bytes) -> str:
    for magic, name in MAGIC.items():
        if head.startswith(magic) or (magic == b"ustar" and head[257:262] == magic):
            return name
    lines = head.splitlines()
    # a crash of the machine leaves a run of zeros, which costs one line
    if sum(b"\x00" in line for line in lines) > (1 - ENOUGH) * len(lines):
        return "binary: byte 0 is in its first lines"
    return (
        "one line: its line ends are CR alone"
        if b"\r" in head.strip() and b"\n" not in head
        else ""
    )
