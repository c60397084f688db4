"""Records of several formats in one topic are each read by the first format that knows them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.protos import field, file, message, written
from support.schemas import Known

from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.records import records
from lakehouse.formats.schemas.lookup import AVRO, Written, asking, compiled
from lakehouse.formats.wrappers.mixed import options

JSON = b'{"timestamp": "2026-05-01T12:00:00Z", "message": "a", "time": 7}'
LOGFMT = b'time=2026-05-01T12:00:00Z level=info msg="b c" took=3ms'


def read(*values: bytes, formats: tuple[str, ...] = ("json", "logfmt")) -> list[Any]:
    """What the records become; None where they are none of the formats."""
    mapping = {"time": "timestamp", "msg": "message", "took": "response_time"}
    given = options({"formats": [*formats]}, mapping, {"response_time": "ms"})
    found = messages(values, Reading(format="mixed", options=given))
    return [None if one is None else orjson.loads(one) for one in found.payloads]


def test_each_is_read_by_the_format_that_knows_it() -> None:
    """Keys are mapped where a record does not have the field itself."""
    json, logfmt, neither = read(JSON, LOGFMT, b"<html>")

    assert (json["message"], json["timestamp"]) == ("a", "2026-05-01T12:00:00Z")
    assert json["time"] == 7
    assert (logfmt["message"], logfmt["timestamp"]) == ("b c", "2026-05-01T12:00:00Z")
    assert logfmt["response_time"] == 3
    assert neither is None


def test_the_last_may_take_all() -> None:
    """The order is that of the option."""
    assert read(b"<html>", formats=("json", "raw")) == [{"message": "<html>"}]
    assert read(JSON, formats=("raw", "json"))[0]["message"] == JSON.decode()


def test_lines_that_go_on_are_joined() -> None:
    """A stack trace belongs to the record before, where none of the formats begins one with it."""
    lines = [LOGFMT, b"  at a.b(C.java:1)", JSON]
    reading = Reading(format="mixed", options={"formats": ["json", "logfmt"]})
    found = [record.original for record in records(lines, reading)]
    assert found == [LOGFMT + b"\n  at a.b(C.java:1)", JSON]


def test_a_schema_that_is_not_known_is_no_other_format() -> None:
    """A topic that had JSON and now has Avro: the records wait for their schema, as no text."""
    reading = Reading(format="mixed", options={"formats": ["avro", "json", "raw"]})
    records = [b"\x00\x00\x00\x00\x2a\x02a", b'{"a": 1}', b"text"]
    with asking(Known({})):
        found = messages(records, reading)
    assert {row: fault.reason for row, fault in found.faults.items()} == {0: "unknown_schema"}
    assert found.payloads[1:] == [b'{"a":1}', b'{"message":"text"}']


@pytest.mark.parametrize("formats", [["protobuf", "avro", "raw"], ["avro", "protobuf", "raw"]])
def test_kinds_of_schemas_may_be_mixed(formats: list[str]) -> None:
    """Each is read by the format of its kind; what none reads is no text because of that."""
    avro = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    proto = written(file(message("M", field("b", 1, "int64"))))
    schemas = {1: Written(AVRO, orjson.dumps(avro).decode()), 2: proto, 3: Written(AVRO, "7")}
    bodies = [b"\x02", b"\x00\x08\x05", b"\x02"]
    records = [n.to_bytes(5, "big") + body for n, body in enumerate(bodies, 1)]
    reading = Reading(format="mixed", options={"formats": formats})
    with asking(Kinds(schemas)):
        found = messages(records, reading)
    assert found.payloads == [b'{"a":1}', b'{"b":5}', None]
    assert {row: fault.reason for row, fault in found.faults.items()} == {2: "bad_schema"}


class Kinds(Known):
    """Schemas that several formats ask for: each kind by itself, as of a registry."""

    def reader(self, number: int, kind: str, made: Any) -> Any:
        return compiled(self._schemas[number], kind, made)
