"""W3C extended logs, whose `#Fields:` line names what follows: IIS, CloudFront, and others. Pure.

Their times are UTC. A file may have several such lines, each for the rows after it. Option:
`columns`, for rows without such a line before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import unquote

from lakehouse.formats import values
from lakehouse.formats.format import (
    ENOUGH,
    Fault,
    Fields,
    Format,
    Parse,
    Proposal,
    Record,
    Sample,
    distinct,
    with_more,
)
from lakehouse.formats.reading import Reading
from lakehouse.formats.times import rfc_3339

HEADER = b"#Fields:"
SERVICE = "web"
NAMES = {
    "c-ip": "ip",
    "cs-username": "user",
    "cs-method": "method",
    "cs-uri-stem": "path",
    "sc-status": "status_code",
    "sc-bytes": "bytes_sent",
    "cs(User-Agent)": "user_agent",
    "s-computername": "host",
    "x-edge-request-id": "trace_id",
}
# CloudFront writes seconds, IIS milliseconds.
QUERY = "cs-uri-query"
TAKEN, CLOUDFRONT = "time-taken", "x-edge-location"
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"|(\S++)')


def _parser(reading: Reading) -> Parse:
    names = distinct(reading.options.get("columns") or ())
    unit = "s" if CLOUDFRONT in names else "ms"

    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        found = _cells(record.decode(errors="backslashreplace").rstrip("\r\n"))
        if len(found) != len(names):
            return FORMAT.fault(f"{len(found)} values for {len(names)} fields")
        row = {n: v for n, v in zip(names, found, strict=True) if v not in ("-", "")}
        return _fields(row, unit)

    return parse


def _fields(row: dict[str, str], unit: str) -> Fields:
    time = " ".join(row.pop(name) for name in ("date", "time") if name in row)
    fields: Fields = {"timestamp": rfc_3339(time, "UTC") or time} if time else {}
    if TAKEN in row:
        fields["response_time"] = values.millis(row.pop(TAKEN), unit)
    for name in [name for name in row if name in NAMES]:
        to = NAMES[name]
        fields[to] = values.converter(to)(_plain(to, row.pop(name)))
    if "path" in fields and QUERY in row:
        fields["path"] = f"{fields['path']}?{row.pop(QUERY)}"
    return with_more(fields, row.items())


def _plain(field: str, value: str) -> str:
    """Blanks of an agent are written as `%20`, or as `+`."""
    if field != "user_agent":
        return value
    return unquote(value) if "%" in value else value.replace("+", " ")


def _cells(line: str) -> list[str]:
    if "\t" in line:
        return line.split("\t")
    if '"' not in line:
        return line.split()
    return [quoted.replace('""', '"') or bare for quoted, bare in _QUOTED.findall(line)]


def _split(lines: Iterable[tuple[int, bytes]], reading: Reading) -> Iterator[Record]:
    """Rows with the columns that stand above them; other lines that begin with `#` are none."""
    columns: tuple[str, ...] | None = None
    for number, line in lines:
        if line.startswith(HEADER):
            columns = columns_of(line)
        elif line.strip() and not line.startswith(b"#"):
            yield Record(number, line.rstrip(b"\r"), columns)


def columns_of(line: bytes) -> tuple[str, ...]:
    """The names of a `#Fields:` line."""
    return tuple(line[len(HEADER) :].decode(errors="backslashreplace").split())


def _recognise(sample: Sample) -> Proposal | None:
    headers = [line for line in sample.lines if line.startswith(HEADER)]
    if not headers:
        return None
    names = columns_of(headers[0])
    rows = [line for line in sample.lines if not line.startswith(b"#")]
    whole = [row for row in rows if len(_cells(row.decode(errors="replace").strip())) == len(names)]
    share = len(whole) / max(len(rows), 1) if rows else 1.0
    shown = dict.fromkeys(("timestamp", *(NAMES.get(name, name) for name in names)))
    taken = {"response_time": None} if TAKEN in names else {}
    columns = [name for name in {**shown, **taken} if name not in ("date", "time", TAKEN)]
    return (
        Proposal(share, {"columns": list(names)}, columns=tuple(columns))
        if share >= ENOUGH
        else None
    )


FORMAT = Format(
    name="w3c",
    title="W3C log",
    wanted="row of the fields that its header names",
    specificity=95,
    parser=_parser,
    recognise=_recognise,
    split=_split,
    service=SERVICE,
)
