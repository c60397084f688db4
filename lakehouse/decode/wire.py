"""The fields of `LogEvent` as the JSON parser sees them: types, bounds, and words for people."""

from __future__ import annotations

import dataclasses
import typing
from datetime import datetime
from types import NoneType
from typing import Annotated, Any

import msgspec

from lakehouse.event.fields import Column, LogEvent, column, is_required

_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "RFC 3339 text with a zone",
}


@dataclasses.dataclass(frozen=True)
class WireField:
    """One field of a message: `kind` is its plain Python type."""

    name: str
    kind: type
    required: bool
    meaning: Column

    @property
    def type(self) -> Any:
        """The bounded type; never null, which stands for absent."""
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


def _wire_fields() -> tuple[WireField, ...]:
    hints = typing.get_type_hints(LogEvent)
    return tuple(
        WireField(f.name, _plain(hints[f.name]), is_required(f), column(f))
        for f in dataclasses.fields(LogEvent)
    )


def _plain(hint: Any) -> type:
    kind: type = next((t for t in typing.get_args(hint) if t is not NoneType), hint)
    return kind


FIELDS = _wire_fields()
EVENT = msgspec.defstruct(
    "WireEvent",
    [(f.name, f.type) if f.required else (f.name, f.type | None, None) for f in FIELDS],
    gc=False,
)
