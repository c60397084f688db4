"""The fields of `LogEvent` as the JSON parser sees them: types, bounds, and words for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec

from lakehouse.event.fields import Column, LogEvent, column, is_required, kinds

_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "RFC 3339 text with a zone",
}
# A level may be a number too: syslog's from 0 to 7, pino's from 10 to 60.
_LEVEL = str | Annotated[int, msgspec.Meta(ge=0, le=999)]
ABSENT = msgspec.Raw(b"")


@dataclasses.dataclass(frozen=True)
class WireField:
    """One field of a message: `kind` is its plain Python type.

    A `required` one may be missing only where its source has another value for it.
    """

    name: str
    kind: type
    required: bool
    meaning: Column

    @property
    def type(self) -> Any:
        """The type with its bounds. Null is not part of it: it means that the field is absent."""
        if self.name == "level":
            return _LEVEL
        limits = self._limits()
        return Annotated[self.kind, msgspec.Meta(**limits)] if limits else self.kind

    @property
    def wanted(self) -> str:
        """What the field takes, in words: `a whole number from 100 to 599`."""
        if self.kind is str:
            return "text that is not empty" if self.meaning.ge else "text"
        ge, le = self.meaning.ge, self.meaning.le
        least = "" if ge is None else f" from {ge}"
        return _WORDS[self.kind] + least + ("" if le is None else f" to {le}")

    def _limits(self) -> dict[str, Any]:
        ge, le = self.meaning.ge, self.meaning.le
        if self.kind is datetime:
            return {"tz": True}
        if self.kind is str:
            return {"min_length": int(ge)} if ge else {}
        if self.kind is int:
            most = 2 ** (self.meaning.bits - 1)
            return {
                "ge": -most if ge is None else int(ge),
                "le": most - 1 if le is None else int(le),
            }
        return {name: float(of) for name, of in (("ge", ge), ("le", le)) if of is not None}


class Keys(NamedTuple):
    """Keys that no field takes, and that a decoder looks for all the same.

    The value of each of `texts` is text or null; `raws` are kept as they are written; `objects`
    are objects or null, each with the keys in it.
    """

    texts: tuple[str, ...] = ()
    raws: tuple[str, ...] = ()
    objects: tuple[tuple[str, Keys], ...] = ()

    @property
    def names(self) -> list[str]:
        """The keys of all values, dotted: those of this object, then those of each in it."""
        inner = [f"{outer}.{name}" for outer, keys in self.objects for name in keys.names]
        return [*self.texts, *self.raws, *inner]

    @property
    def are_texts(self) -> list[bool]:
        """Whether the values of each of `names` are text; the others are as they are written."""
        own = [True] * len(self.texts) + [False] * len(self.raws)
        return [*own, *(is_text for _, keys in self.objects for is_text in keys.are_texts)]

    @property
    def absent(self) -> tuple[Any, ...]:
        """What an object holds that has none of the keys."""
        texts, raws, objects = len(self.texts), len(self.raws), len(self.objects)
        return (*[None] * texts, *[ABSENT] * raws, *[None] * objects)


def _wire_fields() -> tuple[WireField, ...]:
    kind_of = kinds(LogEvent)
    return tuple(
        WireField(f.name, kind_of[f.name], _is_asked_for(f), column(f))
        for f in dataclasses.fields(LogEvent)
    )


def _is_asked_for(of: dataclasses.Field[Any]) -> bool:
    return is_required(of) and not column(of).made


Names = tuple[tuple[str, str], ...]
FIELDS = _wire_fields()
NAMES = tuple(f.name for f in FIELDS)
_EVENT_FIELDS = [(f.name, f.type | None, None) for f in FIELDS]
EVENT = msgspec.defstruct("WireEvent", _EVENT_FIELDS, gc=False)
"""The fields of an event; keys that are none are passed over."""


@lru_cache(maxsize=64)
def event_with(keys: Keys, names: Names = ()) -> tuple[Any, Callable[[bytes], Any]]:
    """The class of events that have these keys too, and its decoder, which refuses all others.

    `names` are pairs of a field and the key that gives it, where that is not its name.
    """
    made = _struct("WireEventAndMore", _EVENT_FIELDS, dict(names), keys)
    return made, msgspec.json.Decoder(made).decode


def _struct(name: str, fields: list[Any], renamed: dict[str, str], keys: Keys) -> Any:
    texts: list[Any] = [(f"text_{n}", str | None, None) for n in range(len(keys.texts))]
    raws = [(f"raw_{n}", msgspec.Raw, ABSENT) for n in range(len(keys.raws))]
    objects = [
        (f"object_{n}", _struct("Inner", [], {}, inner) | None, None)
        for n, (_, inner) in enumerate(keys.objects)
    ]
    more = [*texts, *raws, *objects]
    of = (*keys.texts, *keys.raws, *(key for key, _ in keys.objects))
    renamed = renamed | {each[0]: key for each, key in zip(more, of, strict=True)}
    return msgspec.defstruct(
        name, [*fields, *more], gc=False, forbid_unknown_fields=True, rename=renamed
    )


def can_be_looked_for(key: str) -> bool:
    """Whether a decoder can be made that looks for a key."""
    return not any(c in '"\\' or c < " " for c in key)
