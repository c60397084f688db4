"""Text of a CSV field as a value of the type that its event field has. Pure.

What does not fit is left as text: the decoder refuses it, and says why.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from lakehouse.decode.wire import FIELDS

KINDS = {field.name: field.kind for field in FIELDS}
MOST_DIGITS = 18
INTEGER = re.compile(rf"[+-]?\d{{1,{MOST_DIGITS}}}", re.ASCII)
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)

Convert = Callable[[str], Any]


def converter(field: str, utc: bool) -> Convert:
    """What makes a value of a field's text; with `utc` a time without a zone gets one."""
    kinds: dict[type, Convert] = {int: integer, float: number, bool: boolean}
    if KINDS[field] is datetime and utc:
        return with_zone
    return kinds.get(KINDS[field], str)


def misfit(field: str, text: str, utc: bool) -> str:
    """Why a text cannot be the value of a field in all records; empty where it can."""
    found = next(each for each in FIELDS if each.name == field)
    if field == "event_id":
        return "event_id: each record has its own"
    try:
        msgspec.convert(converter(field, utc)(text), found.type)
    except msgspec.ValidationError:
        return f"{field}: {text}, wanted {found.wanted}"
    return ""


def integer(text: str) -> int | str:
    """A whole number, or the text that is none."""
    if text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS:
        return int(text)
    return int(text) if INTEGER.fullmatch(text.strip()) else text


def number(text: str) -> float | str:
    """A finite number, or the text that is none."""
    found = float(text) if NUMBER.fullmatch(text.strip()) else math.inf
    return found if math.isfinite(found) else text


def boolean(text: str) -> bool | str:
    """True or false, or the text that is neither."""
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def with_zone(text: Any) -> Any:
    """A time as it stands in logs, with the zone that it lacks; all else as it is."""
    is_bare = isinstance(text, str) and ZONELESS.fullmatch(text.strip())
    return f"{text.strip()}Z" if is_bare else text
