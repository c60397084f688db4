"""The messages of a file of Protobuf, by its descriptor and those of the files it imports. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from lakehouse.formats.schemas.lookup import BadSchema, Written

# Files that come with every compiler, and are no references of a registry; each after its own.
GIVEN = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (
        *(any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, source_context_pb2),
        *(struct_pb2, timestamp_pb2, type_pb2, wrappers_pb2, api_pb2),
    )
}
# Its file gives options to registries, which say nothing of what is in a record.
OPTIONS = "confluent/meta.proto"
OWN_NAME = "logpond/record.proto"
File = descriptor_pb2.FileDescriptorProto


class Messages:
    """The messages of a schema, in a pool of its own: another may name the same ones."""

    def __init__(self, written: Written) -> None:
        """Raises BadSchema."""
        self._pool = descriptor_pool.DescriptorPool()
        self._added: set[str] = set()
        for part in written.parts:
            self._add(_file(part.text, part.name))
        self._file = _file(written.text, OWN_NAME)
        self._add(self._file)
        self._classes: dict[tuple[int, ...], type[Message]] = {}

    def at(self, indexes: tuple[int, ...]) -> type[Message]:
        """The message at a place in the file: which one of it, which one within it. IndexError."""
        if indexes not in self._classes:
            names, within = (
                [self._file.package] if self._file.package else [],
                self._file.message_type,
            )
            for index in indexes:
                found = within[_place(index)]
                names.append(found.name)
                within = found.nested_type
            self._classes[indexes] = self._class(".".join(names))
        return self._classes[indexes]

    def named(self, name: str) -> type[Message] | None:
        """The message of a name; None where the schema has none such."""
        try:
            return self._class(name)
        except KeyError:
            return None

    def _class(self, name: str) -> type[Message]:
        descriptor: Descriptor = self._pool.FindMessageTypeByName(name)
        made: type[Message] = message_factory.GetMessageClass(descriptor)
        return made

    def _add(self, file: Any) -> None:
        if file.name in self._added:
            return
        self._added.add(file.name)
        _drop_extensions(file)
        if OPTIONS in file.dependency:
            kept = [name for name in file.dependency if name != OPTIONS]
            del file.dependency[:], file.public_dependency[:], file.weak_dependency[:]
            file.dependency.extend(kept)
        for name in file.dependency:
            if name in GIVEN and name not in self._added:
                given = File()
                GIVEN[name].CopyToProto(given)
                self._add(given)
        if missing := [name for name in file.dependency if name not in self._added]:
            raise BadSchema(f"it imports {missing[0][:80]}, which the registry does not give")
        try:
            self._pool.AddSerializedFile(file.SerializeToString())
        except TypeError:
            raise BadSchema(f"{file.name[:80]} does not fit the files that it imports") from None


def _drop_extensions(of: Any) -> None:
    """Takes away what extends messages, so that in a record it is as other unknown fields."""
    del of.extension[:]
    for inner in of.message_type if isinstance(of, File) else of.nested_type:
        _drop_extensions(inner)


def _place(index: int) -> int:
    if index < 0:
        raise IndexError
    return index


def _file(text: str, name: str) -> Any:
    """The descriptor of a file, by the name that others import it by."""
    found = File()
    try:
        found.ParseFromString(base64.b64decode(text, validate=True))
    except (binascii.Error, DecodeError, ValueError):
        raise BadSchema("the registry gave no descriptor for ?format=serialized") from None
    found.name = name
    return found
