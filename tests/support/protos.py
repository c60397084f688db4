"""Files of Protobuf made without a compiler: their descriptors, and the messages in them."""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from lakehouse.formats.schemas.lookup import PROTOBUF, Part, Written
from lakehouse.formats.schemas.protobuf_file import GIVEN


def field(name: str, number: int, kind: str, **more: Any) -> dict[str, Any]:
    """A field: `kind` is a type (`int64`), or the full name of a message (`.a.b.C`)."""
    of = {"typeName": kind} if kind.startswith(".") else {"type": f"TYPE_{kind.upper()}"}
    label = "LABEL_REPEATED" if more.pop("repeated", False) else "LABEL_OPTIONAL"
    return {"name": name, "number": number, "label": label} | of | more


def message(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A message with these fields."""
    return {"name": name, "field": [*fields]} | more


def map_of(name: str, number: int, within: str, value: str) -> tuple[dict[str, Any], Any]:
    """A field that is a map of text to something, and the message that it is made of."""
    entry = f"{name.title()}Entry"
    parts = field("key", 1, "string"), field("value", 2, value)
    made = message(entry, *parts, options={"mapEntry": True})
    return field(name, number, f"{within}.{entry}", repeated=True), made


def file(*messages: dict[str, Any], name: str = "shop.proto", **more: Any) -> Any:
    """The descriptor of a file of proto3, in the package `shop`."""
    given = {"name": name, "package": "shop", "syntax": "proto3", "messageType": [*messages]}
    return ParseDict(given | more, descriptor_pb2.FileDescriptorProto())


def text(of: Any) -> str:
    """A descriptor as registries give it."""
    return base64.b64encode(of.SerializeToString()).decode()


def written(main: Any, *imported: Any) -> Written:
    """A schema as a registry has it."""
    return Written(PROTOBUF, text(main), tuple(Part(one.name, text(one)) for one in imported))


def kind(name: str, *files: Any) -> type[Message]:
    """The class of a message of these files, each after what it imports."""
    pool = descriptor_pool.DescriptorPool()
    for given in GIVEN.values():
        pool.AddSerializedFile(given.serialized_pb)
    for one in files:
        pool.AddSerializedFile(one.SerializeToString())
    made: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return made
