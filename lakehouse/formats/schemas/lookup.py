"""Whom a record's schema is asked for. Pure: who answers is set by what decodes.

A format is made of settings that are kept in manifests; a registry has secrets, and is kept in
none. So a decoder says around its work who answers, and outside of it nobody does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from lakehouse.formats.format import Fault

AVRO, PROTOBUF, JSON = "AVRO", "PROTOBUF", "JSON"


class Part(NamedTuple):
    """A schema that another one names: by which name, and its text."""

    name: str
    text: str


class Written(NamedTuple):
    """A schema as a registry has it: its text, and all those that it names, each after its own.

    The text of Protobuf is a file's descriptor in base64.
    """

    kind: str
    text: str
    parts: tuple[Part, ...] = ()


class BadSchema(ValueError):
    """A schema that no record is read by; its text says why, and is short."""


# What reads the payload of a record behind its header.
Read = Callable[[bytes], "dict[str, Any] | Fault"]


class Lookup(Protocol):
    """Who knows schemas by their number."""

    def reader(self, number: int, kind: str, made: Callable[[Written], Any]) -> Any:
        """Returns what `made` makes of a schema, once for each; a Fault where there is none."""


class Nobody:
    """No registry is set."""

    def reader(self, number: int, kind: str, made: Callable[[Written], Any]) -> Any:
        return Fault("no_registry", "no schema registry is set: registry.url names it")


NOBODY = Nobody()
_asked: ContextVar[Lookup] = ContextVar("asked", default=NOBODY)


def reader(number: int, kind: str, made: Callable[[Written], Any]) -> Any:
    """Returns what `made` makes of a schema, or a Fault: by who is asked here."""
    return _asked.get().reader(number, kind, made)


@contextmanager
def asking(lookup: Lookup) -> Iterator[None]:
    """Has all records that are read meanwhile ask somebody."""
    token = _asked.set(lookup)
    try:
        yield
    finally:
        _asked.reset(token)


def compiled(written: Written, kind: str, made: Callable[[Written], Any]) -> Any:
    """Returns what is made of a schema; a Fault where it is of another kind, or unreadable."""
    if written.kind != kind:
        return Fault("bad_schema", f"its schema is {written.kind[:20]}, and its source's {kind}")
    try:
        return made(written)
    except BadSchema as error:
        return Fault("bad_schema", f"its schema cannot be read: {error}"[:200])
    except (ImportError, MemoryError, OSError):
        raise
    except Exception as error:  # libraries raise many kinds for a schema that is none
        return Fault("bad_schema", f"its schema cannot be read ({type(error).__name__})")
