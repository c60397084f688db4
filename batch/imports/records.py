"""The data records of a file, each as the payload of an event message beside the bytes it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from batch.imports.separated import rows
from batch.imports.values import KINDS, converter, with_zone
from lakehouse.event import access_log, message
from lakehouse.event.routes import template
from lakehouse.ingest.raw_zone import Reading

SERVICE = "web"
# What a message gets where the record has none of it.
MADE = ("event_id", "endpoint")


class Record(NamedTuple):
    """A record from `line` on: `payload` goes to the decoder; `original` is what stood there."""

    line: int
    payload: bytes
    original: bytes


def records(lines: Iterable[bytes], reading: Reading, sha256: str) -> Iterator[Record]:
    """Every data record in its order; what cannot be made a message is its own payload.

    A record without an `event_id` is named by file and number, as access log lines are.
    """
    made = _Message(reading, sha256)
    return FORMATS[reading.format](lines, reading, made)


def _of_csv(lines: Iterable[bytes], reading: Reading, made: _Message) -> Iterator[Record]:
    """A row with more or fewer cells than the others is broken: which is which is not guessed."""
    width = len(reading.columns)
    chosen = [
        (at, field, converter(field, reading.utc))
        for at, name in enumerate(reading.columns)
        if (field := reading.mapping.get(name))
    ]
    found = islice(rows(lines, reading.delimiter), int(reading.header), None)
    for number, (line, cells, original) in enumerate(found):
        if cells is None or len(cells) != width:
            yield Record(line, original, original)
            continue
        fields = {field: of(cells[at]) for at, field, of in chosen if cells[at]}
        yield Record(line, made(fields, number) or original, original)


def _of_ndjson(lines: Iterable[bytes], reading: Reading, made: _Message) -> Iterator[Record]:
    """A line that is an event already stays as it is, byte for byte."""
    renamed = {to for name, to in reading.mapping.items() if name != to}
    names = {name: name for name in KINDS if name not in renamed} | reading.mapping
    is_plain = not (renamed or reading.constants or reading.utc or "" in names.values())
    for number, line in enumerate(lines):
        one = _object(line)
        if one is None or (is_plain and all(one.get(name) is not None for name in MADE)):
            yield Record(number + 1, line, line)
            continue
        fields = {to: one[name] for name, to in names.items() if to and name in one}
        if reading.utc and "timestamp" in fields:
            fields["timestamp"] = with_zone(fields["timestamp"])
        yield Record(number + 1, made(fields, number) or line, line)


def _of_access_log(lines: Iterable[bytes], reading: Reading, made: _Message) -> Iterator[Record]:
    others = {name for name in reading.constants if name != "service"}
    service = reading.constants.get("service", SERVICE)
    for number, line in enumerate(lines):
        event = access_log.parse(line, service, access_log.event_id(made.sha256, number))
        if event is None:
            yield Record(number + 1, line, line)
            continue
        payload = message.dump(event)
        if others:
            payload = made(orjson.loads(payload), number) or line
        yield Record(number + 1, payload, line)


FORMATS: dict[str, Callable[[Iterable[bytes], Reading, _Message], Iterator[Record]]] = {
    "csv": _of_csv,
    "ndjson": _of_ndjson,
    "access": _of_access_log,
}


class _Message:
    """Makes a message of fields: adds what is given, the name, and the route of a path."""

    def __init__(self, reading: Reading, sha256: str) -> None:
        self.sha256 = sha256
        self._given = {
            name: converter(name, reading.utc)(text) for name, text in reading.constants.items()
        }

    def __call__(self, fields: dict[str, Any], number: int) -> bytes | None:
        """The payload; None for what JSON in UTF-8 cannot say."""
        fields.update(self._given)
        if fields.get("event_id") is None:
            fields["event_id"] = access_log.event_id(self.sha256, number)
        if fields.get("endpoint") is None and isinstance(path := fields.get("path"), str):
            fields["endpoint"] = template(path)
        try:
            return orjson.dumps(fields)
        except orjson.JSONEncodeError:
            return None


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
