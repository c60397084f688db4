"""What a file is, by its first lines: CSV, NDJSON or an access log; else why it is none of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from batch.formats import names, separated
from lakehouse.decode import wire
from lakehouse.errors import SettingsError
from lakehouse.event import access_log
from lakehouse.event.textfile import BOM, is_gzip, opened, refused
from lakehouse.terminal.render import escaped

FIELDS = {field.name: field for field in wire.FIELDS}
HEAD = 256 << 10
LINES = 100
# Broken lines do not make a file something else, while they are fewer than the others.
ENOUGH = 0.5
# What an access log line tells; its endpoint follows from the path, its service is given.
ACCESS_FIELDS = (
    "ip",
    "user",
    "timestamp",
    "method",
    "path",
    "endpoint",
    "status_code",
    "bytes_sent",
    "user_agent",
)
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
FORMATS = "CSV, one JSON object a line, and Apache or nginx access logs can be read, also as gzip"


@dataclass(frozen=True)
class Kind:
    """What a file is: `csv`, `ndjson` or `access`; `mapping` proposes column -> event field.

    `columns` are the header's, or `column0`, ... without one; the keys of JSON objects; what an
    access log line tells. `delimiter` and `header` mean something for CSV alone.
    """

    format: str
    compressed: bool = False
    delimiter: str = ""
    header: bool = False
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = field(default_factory=dict, hash=False)


def sniff(path: Path) -> Kind:
    """What a file is; SettingsError, with file and reason, where it cannot be told."""
    packed = is_gzip(path)
    head = _head(path)
    rows = [line for line in head.splitlines() if line.strip()][:LINES]
    if not rows:
        raise SettingsError(f"{path} is empty", "there is nothing to read")
    if reason := _unreadable(head):
        raise SettingsError(f"{path} is {reason}", FORMATS)
    found = _access(rows, packed) or _ndjson(rows, packed) or _csv(head, packed)
    if not found:
        raise SettingsError(f"{path} is in no known format: {_why(rows[0])}", FORMATS)
    return found


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
    # a crash of the machine leaves a run of them, which costs one line
    if sum(b"\x00" in line for line in lines) > (1 - ENOUGH) * len(lines):
        return "binary: byte 0 is in its first lines"
    return (
        "one line: its line ends are CR alone"
        if b"\r" in head.strip() and b"\n" not in head
        else ""
    )


def _access(rows: list[bytes], packed: bool) -> Kind | None:
    parsed = sum(1 for line in rows if access_log.parse(line, "-", "-"))
    if parsed < ENOUGH * len(rows):
        return None
    return Kind(
        "access", packed, columns=ACCESS_FIELDS, mapping={name: name for name in ACCESS_FIELDS}
    )


def _ndjson(rows: list[bytes], packed: bool) -> Kind | None:
    objects = [found for line in rows if (found := json_object(line)) is not None]
    if len(objects) < ENOUGH * len(rows) or not any(objects):
        return None
    values: dict[str, list[Any]] = {}
    for name, value in (item for one in objects for item in one.items()):
        values.setdefault(name, []).extend([] if value is None else [value])
    # SQL has no nameless column, and takes `A` for `a`.
    distinct = {name.casefold(): name for name in reversed(values) if name}
    columns = tuple(name for name in values if distinct.get(name.casefold()) == name)
    mapping = names.proposed({name: [*map(str, some)] for name, some in values.items()})
    taken = {name: to for name, to in mapping.items() if _is_taken(to, values[name])}
    return Kind("ndjson", packed, columns=columns, mapping=taken)


def _is_taken(field: str, values: list[Any]) -> bool:
    """Whether decoding takes such values: one that it does not costs the record, not the field."""
    known = FIELDS[field]
    try:
        for value in () if known.required else values:
            msgspec.convert(value, known.type)
    except msgspec.ValidationError:
        return False
    return True


def json_object(line: bytes) -> dict[str, Any] | None:
    """The object on a line; None where it holds something else."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _csv(head: bytes, packed: bool) -> Kind | None:
    found = separated.recognise(head.decode(errors="backslashreplace"))
    if not found:
        return None
    propose = names.proposed if found.header else names.by_value
    mapping = propose(found.examples)
    return Kind("csv", packed, found.delimiter, found.header, found.columns, mapping)


def _why(first: bytes) -> str:
    if first.lstrip().startswith((b"[", b"{")):
        return "JSON, but not one object a line: jq -c '.[]' FILE makes an array so"
    excerpt = escaped(first[:60].decode(errors="backslashreplace"))
    return f"line 1 is {excerpt!r}"
