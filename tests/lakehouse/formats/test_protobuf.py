"""Protobuf of a schema registry becomes fields, exactly; no record or schema stops a batch."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from support.protos import field, file, kind, map_of, message, text, written
from support.schemas import Known

from lakehouse.formats.format import Fault
from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas.lookup import PROTOBUF, Part, Written, asking
from lakehouse.formats.schemas.protobuf_weight import Weigher
from lakehouse.formats.schemas.weight import TooMuch

HEADER, FIRST = b"\x00\x00\x00\x00\x07", b"\x00"
WELL_KNOWN = [
    f"google/protobuf/{name}.proto" for name in ("timestamp", "duration", "struct", "any")
] + ["google/protobuf/wrappers.proto"]
TAGS, TAGS_ENTRY = map_of("tags", 12, ".shop.Event", "int64")
NODE = message("Node", field("next", 1, ".shop.Node"), field("all", 2, ".shop.Node", repeated=True))
MUCH, MUCH_ENTRY = map_of("much", 21, ".shop.Event", ".shop.Wide")
LONG = "n" * 1000
WIDE = message("Wide", *(field(f"f{n}", n, "double") for n in range(1, 1001)))
EVENT = file(
    message(
        "Event",
        field("at", 1, ".google.protobuf.Timestamp"),
        field("took", 2, ".google.protobuf.Duration"),
        field("big", 3, "int64"),
        field("huge", 4, "uint64"),
        field("raw", 5, "bytes"),
        field("grade", 6, ".shop.Level"),
        field("small", 7, "float"),
        field("wide", 8, "double"),
        field("packed", 9, "bool", repeated=True),
        field("any", 10, ".google.protobuf.Any"),
        field("maybe", 11, ".google.protobuf.Int64Value"),
        TAGS,
        field("more", 13, ".google.protobuf.Struct"),
        field("node", 14, ".shop.Node"),
        field("wides", 15, ".shop.Wide", repeated=True),
        field("name", 16, "string"),
        field("anys", 17, ".google.protobuf.Any", repeated=True),
        field("long_ones", 18, ".shop.Long", repeated=True),
        field("kinds", 19, ".shop.Kind", repeated=True),
        MUCH,
        nestedType=[TAGS_ENTRY, message("Inner", field("a", 1, "string")), MUCH_ENTRY],
    ),
    NODE,
    WIDE,
    message("Long", field(LONG, 1, "bool")),
    enumType=[
        {"name": "Level", "value": [{"name": "DEBUG"}, {"name": "ERROR", "number": 2}]},
        {"name": "Kind", "value": [{"name": "NONE"}, {"name": LONG.upper(), "number": 1}]},
    ],
    dependency=WELL_KNOWN,
)
KNOWN = written(EVENT)
CLASS = kind("shop.Event", EVENT)


def made(
    body: bytes, schema: Written = KNOWN, which: bytes = FIRST, **options: Any
) -> dict[str, Any] | Fault:
    """The message of a record whose schema is number 7."""
    with asking(Known({7: schema})):
        found = messages([HEADER + which + body], Reading(format="protobuf", options=options))
    if found.faults:
        return found.faults[0]
    return msgspec.json.decode(found.payloads[0] or b"")  # type: ignore[no-any-return]


def of(**values: Any) -> dict[str, Any]:
    """What becomes of a message with these fields."""
    found = made(event(**values).SerializeToString())
    assert isinstance(found, dict), found
    return found


def event(**values: Any) -> Any:
    return CLASS(**values)


def tag(number: int, kind: int, *sizes: int) -> bytes:
    """A tag of a field, and numbers after it."""
    found = b""
    for value in (number << 3 | kind, *sizes):
        while value > 0x7F:
            value, found = value >> 7, found + bytes([value & 0x7F | 0x80])
        found += bytes([value])
    return found


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"big": 2**63 - 1, "huge": 2**64 - 1}, {"big": 2**63 - 1, "huge": 2**64 - 1}),
        ({"raw": b"\x00\xff"}, {"raw": "AP8="}),
        ({"grade": 2}, {"grade": "ERROR"}),
        ({"grade": 9}, {"grade": 9}),
        ({"small": 0.1, "wide": float("-inf")}, {"small": 0.1, "wide": "-Infinity"}),
        ({"packed": [True, False]}, {"packed": [True, False]}),
        ({"tags": {"a": 1, "b.c": 0}}, {"tags": {"a": 1, "b.c": 0}}),
        ({"node": {"all": [{}, {"next": {}}]}}, {"node": {"all": [{}, {"next": {}}]}}),
        ({"maybe": {"value": 0}}, {"maybe": 0}),
        ({"at": {"seconds": 1, "nanos": 5}}, {"at": "1970-01-01T00:00:01.000000005Z"}),
        ({"at": {"seconds": 2**62}}, {"at": {"seconds": 2**62}}),
        ({"took": {"nanos": -5}}, {"took": "-0.000000005s"}),
    ],
)
def test_values_are_those_that_were_written(values: dict[str, Any], shown: dict[str, Any]) -> None:
    """By the names of the schema; numbers of 64 bits are numbers."""
    assert of(**values) == shown


def test_what_is_within_an_any_is_shown_where_its_type_is_known() -> None:
    """Else it is kept as it came."""
    found = of(any={"type_url": "x/shop.Event.Inner", "value": b"\x0a\x01a"})
    assert found["any"] == {"@type": "x/shop.Event.Inner", "a": "a"}
    unknown = of(any={"type_url": "x/no.Such", "value": b"a"})
    assert unknown["any"] == {"type_url": "x/no.Such", "value": "YQ=="}


def test_structs_are_json() -> None:
    """They are what JSON was before it was Protobuf."""
    one = event()
    one.more.update({"a": [1, None, {"b": "c"}], "d": 1.5, "e": True})
    found = made(one.SerializeToString())
    assert found == {"more": {"a": [1, None, {"b": "c"}], "d": 1.5, "e": True}}


def test_fields_that_the_schema_lacks_are_kept_by_number() -> None:
    """A producer may be ahead of the schema that it names; groups are fields too."""
    group = tag(41, 3) + tag(1, 0, 5) + tag(41, 4)
    body = tag(40, 0, 7) + tag(40, 0, 8) + tag(42, 2, 2) + b"\x00\xff" + group
    assert made(body) == {
        "unknown.40": [7, 8],
        "unknown.42": "AP8=",
        "unknown.41": {"unknown.1": 5},
    }


def test_fields_that_are_not_there_may_have_their_default() -> None:
    """Protobuf does not tell a zero from nothing; who reads says which it is."""
    found = made(b"", defaults=True)
    assert isinstance(found, dict)
    assert (found["big"], found["grade"], found["name"]) == (0, "DEBUG", "")
    assert "at" not in found


def test_which_message_of_a_file_a_record_is_stands_before_it() -> None:
    """Level by level: the second message within the first."""
    inner = b"\x04\x00\x02"
    assert made(b"\x0a\x01a", which=inner) == {"a": "a"}
    for wrong in (b"\x02\x0a", b"\x02\x01", b"\x80", b"\xff\xff\xff\xff\x0f"):
        found = made(b"\x0a\x01a", which=wrong)
        assert isinstance(found, Fault)
        assert found.reason == "bad_format"


def test_a_schema_may_import_others() -> None:
    """Their names are those by which they are imported."""
    user = file(message("User", field("id", 1, "int64")), name="a/user.proto")
    main = file(message("Order", field("user", 1, ".shop.User")), dependency=["a/user.proto"])
    known = written(main, user)
    assert made(b"\x0a\x02\x08\x05", known) == {"user": {"id": 5}}
    elsewhere = file(message("User", field("id", 1, "int64")), name="was/elsewhere.proto")
    renamed = Written(PROTOBUF, known.text, (Part("a/user.proto", text(elsewhere)),))
    assert made(b"\x0a\x00", renamed) == {"user": {}}
    alone = made(b"", written(main))
    assert isinstance(alone, Fault)
    assert (alone.reason, "a/user.proto" in alone.detail) == ("bad_schema", True)


DEEP = b""
for _ in range(3000):
    DEEP = tag(1, 2, len(DEEP)) + DEEP


def _anys(count: int) -> bytes:
    """Many messages of room for a thousand fields, each within an Any."""
    url = b"x/shop.Wide"
    one = tag(1, 2, len(url)) + url + tag(2, 2, 0)
    return (tag(17, 2, len(one)) + one) * count


@pytest.mark.slow
def test_defaults_of_many_small_messages_are_not_all_made() -> None:
    """A thousand fields that are not there, thousands of times."""
    for body in (_anys(5_000), tag(15, 2, 0) * 2_000):
        found = made(body, defaults=True)
        assert isinstance(found, Fault)
        assert found.reason == "over_budget"


HOSTILE: dict[str, tuple[bytes, str]] = {
    "truncated": (tag(16, 2, 100) + b"a", "bad_format"),
    "a size of 2^63": (tag(16, 2, 2**63) + b"a", "bad_format"),
    "no UTF-8": (tag(16, 2, 1) + b"\xff", "bad_format"),
    "an unknown type": (b"\x0f", "bad_format"),
    "a group without end": (tag(41, 3) * 50, "bad_format"),
    "deep groups": (tag(41, 3) * 5000, "over_budget"),
    "deep": (tag(14, 2, len(DEEP)) + DEEP, "over_budget"),
    # which only the walk refuses: what is made of them are as many empty objects
    "many of much room": (tag(15, 2, 0) * 10_000, "over_budget"),
    "a map to much room": (tag(21, 2, 0) * 10_000, "over_budget"),
    "long names of fields": ((tag(18, 2, 2) + tag(1, 0, 1)) * 300, "over_budget"),
    "long names of values": (tag(19, 2, 2000) + b"\x01" * 2000, "over_budget"),
    "too long": (b"a" * (1 << 20), "over_budget"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_are_refused(name: str) -> None:
    """Two bytes may be a message with room for a thousand fields: none is made."""
    body, reason = HOSTILE[name]
    found = made(body)
    assert isinstance(found, Fault)
    assert found.reason == reason


@pytest.mark.parametrize("name", ["many of much room", "a map to much room"])
def test_messages_of_much_room_are_weighed_before_they_are_made(name: str) -> None:
    """Eight kilobytes each: what is said of them afterwards is too late."""
    with pytest.raises(TooMuch):
        Weigher(CLASS.DESCRIPTOR).check(HOSTILE[name][0])


def _extended() -> Written:
    """A message that another part of its file extends by a list of messages of much room."""
    big = message("Big", *(field(f"f{n}", n, "int64") for n in range(1, 1001)))
    open_ = message("M", extensionRange=[{"start": 100, "end": 200}])
    more = [field("x", 100, ".shop.Big", repeated=True, extendee=".shop.M")]
    within = [field("y", 101, ".shop.Big", repeated=True, extendee=".shop.M")]
    holder = message("Holder", extension=within)
    return written(file(open_, big, holder, syntax="proto2", extension=more))


@pytest.mark.parametrize("number", [100, 101])
def test_extensions_are_fields_that_the_schema_lacks(number: int) -> None:
    """A walk of the schema does not come to them; so no message may be made of them either."""
    body = tag(number, 2, 0)
    assert made(body + body, _extended()) == {f"unknown.{number}": ["", ""]}


@pytest.mark.parametrize("defaults", [False, True])
def test_a_message_of_many_fields_may_be_empty(defaults: bool) -> None:
    """It has room for all of its fields once, however short it is."""
    found = made(b"", written(file(WIDE)), defaults=defaults)
    assert isinstance(found, dict), found
    assert len(found) == (1000 if defaults else 0)


@pytest.mark.parametrize(
    "schema",
    [
        "",
        "syntax = 'proto3';",
        "AAAA",
        text(file(message("A", field("a", 1, ".shop.No")))),
        text(file(message("A", field("a", 1, "int64"), field("b", 1, "int64")))),
        text(file(message("A"), dependency=["shop.proto"], name="shop.proto")),
        text(file(message("A"), dependency=["logpond/record.proto"])),
        text(file(message("A", field("n" * 1025, 1, "bool")))),
    ],
)
def test_hostile_schemas_are_refused(schema: str) -> None:
    """Text, where the registry does not know `?format=serialized`, and what does not fit."""
    found = made(b"", Written(PROTOBUF, schema))
    assert isinstance(found, Fault)
    assert found.reason in ("bad_schema", "bad_format")


@pytest.mark.random
@given(st.binary(max_size=200), st.binary(max_size=4))
def test_any_bytes_give_a_message_or_a_fault(body: bytes, which: bytes) -> None:
    """And never an exception, nor a fault of ours."""
    found = made(body, which=which)
    assert not isinstance(found, Fault) or found.reason != "not_decoded"


def test_a_class_is_a_message() -> None:
    """So that what the tests write is what a generated class writes."""
    assert issubclass(CLASS, Message)
