"""Reads records of Protobuf by one schema of a registry. Pure."""

from __future__ import annotations

from google.protobuf.message import DecodeError, Message

from lakehouse.formats.format import Fault, Fields
from lakehouse.formats.schemas import weight, wire
from lakehouse.formats.schemas.lookup import Written
from lakehouse.formats.schemas.protobuf_file import Messages
from lakehouse.formats.schemas.protobuf_values import Objects
from lakehouse.formats.schemas.protobuf_weight import Weigher


class Parsed:
    """Parses messages of one kind, once weighed. Raises TooMuch, DecodeError or ValueError."""

    def __init__(self, kind: type[Message]) -> None:
        self._kind, self._weigher = kind, Weigher(kind.DESCRIPTOR)
        self.spare = self._weigher.spare

    def __call__(self, written: bytes) -> Message:
        self._weigher.check(written)
        return self._kind.FromString(written)


class Reader:
    """Reads the records of a schema, which name the message that they are."""

    def __init__(self, written: Written) -> None:
        """Raises BadSchema."""
        self._messages = Messages(written)
        self._known: dict[tuple[int, ...], Parsed] = {}
        self._by_name: dict[str, Parsed] = {}

    def __call__(self, record: bytes, has_defaults: bool) -> Fields | Fault | str:
        """The fields of a record; a text says why it is none."""
        if fault := weight.too_long(record):
            return fault
        try:
            indexes, at = wire.indexes(record)
            read = self._known.get(indexes) or self._add(indexes)
            budget = weight.Budget(len(record), read.spare)
            return Objects(self._named, has_defaults, budget).of(read(record[at:]))
        except weight.TooMuch as error:
            return weight.over_budget(error)
        except IndexError:
            return "it is a message that its schema lacks"
        except (DecodeError, ValueError):
            return "it breaks off or is of another schema"

    def _add(self, indexes: tuple[int, ...]) -> Parsed:
        self._known[indexes] = Parsed(self._messages.at(indexes))
        return self._known[indexes]

    def _named(self, name: str) -> Parsed | None:
        """What reads the message of a name; None where the schema has none such."""
        if name not in self._by_name:
            kind = self._messages.named(name)
            if kind is None:
                return None
            self._by_name[name] = Parsed(kind)
        return self._by_name[name]
