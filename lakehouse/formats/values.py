"""A value of a record as the value that its event field takes. Pure.

What does not fit is left as it is: the decoder refuses it, or keeps it as an attribute.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lakehouse.event.fields import LogEvent, kinds

# How programs write that there is no value.
NOTHING = frozenset(
    (
        "",
        "-",
        "NULL",
        "null",
        "Null",
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "None",
        "nan",
        "NaN",
        "\\N",
        "nil",
        "(null)",
    )
)
MOST_DIGITS = 18
# No number, and no duration, is longer.
LONGEST = 64
MOST = 1e300
_WHOLE = re.compile(rf"([+-]?\d{{1,{MOST_DIGITS}}})(?:\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# One comma between groups of three, and nothing else, is a thousands mark.
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?(ns|us|\u00b5s|\u03bcs|ms|s|sec|m|min|h)")
_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)")
_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?")
REQUEST = re.compile(r'"?([A-Za-z][A-Za-z-]{1,24}) (\S.*?) HTTP/\d(?:\.\d)?"?', re.ASCII)
MILLIS = {
    "ns": 1e-6,
    "us": 1e-3,
    "\u00b5s": 1e-3,
    "\u03bcs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "sec": 1e3,
    "m": 6e4,
    "min": 6e4,
    "h": 3.6e6,
}
UNITS = ("ns", "us", "ms", "s")

Convert = Callable[[Any], Any]


KINDS: dict[str, type] = kinds(LogEvent)


def integer(value: Any) -> Any:
    """A whole number (`200`, `200.0`, `1,024`), or the value that is none."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if not isinstance(value, str):
        return value
    found = _WHOLE.fullmatch(_digits(value))
    return int(found[1]) if found else value


def number(value: Any) -> Any:
    """A finite number, or the value that is none."""
    if not isinstance(value, str):
        return value
    text = _digits(value)
    found = float(text) if _NUMBER.fullmatch(text) else math.inf
    return found if math.isfinite(found) else value


def _digits(text: str) -> str:
    """A number without blanks around it and thousands marks; nothing of what is too long."""
    bare = text.strip() if len(text) <= LONGEST else ""
    return bare.replace(",", "") if _THOUSANDS.fullmatch(bare) else bare


def boolean(value: Any) -> Any:
    """True or false, or the value that is neither."""
    if not isinstance(value, str):
        return value
    return {"true": True, "false": False}.get(value.strip().lower(), value)


def text(value: Any) -> Any:
    """Text; a number as it is written, and what a list of one holds."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def address(value: Any) -> Any:
    """The address of a client: the first of a list, without its port; else the value."""
    if not isinstance(value, str):
        return value
    first = value.split(",", 1)[0].strip()
    found = _PORT.fullmatch(first)
    bare = (found[1] or found[2]) if found else first
    return bare if is_address(bare) else value.strip()


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def millis(value: Any, unit: str = "") -> Any:
    """A duration in ms: a text that has its unit (`12ms`, `1m2s`, `0:00:01.5`), or a number of
    `unit`. Without a unit the value is left as it is."""
    found = number(value)
    if isinstance(found, int | float) and not isinstance(found, bool):
        in_millis = float(found) * MILLIS[unit] if unit and abs(found) < MOST else math.inf
        return round(in_millis, 9) if math.isfinite(in_millis) else value
    return _written_millis(value.strip()) if isinstance(value, str) else value


def _written_millis(written: str) -> Any:
    if len(written) > LONGEST:
        return written
    if clock := _CLOCK.fullmatch(written):
        return (int(clock[1]) * 3600 + int(clock[2]) * 60) * 1e3 + round(float(clock[3]) * 1e3, 6)
    parts = _DURATION.findall(written)
    if not parts or "".join(n + u for n, u in parts) != written.replace(" ", ""):
        return written
    return round(sum(float(n) * MILLIS[u] for n, u in parts), 9)


def has_unit(value: Any) -> bool:
    """Whether a duration is written with its unit."""
    return isinstance(value, str) and isinstance(_written_millis(value.strip()), float)


def unit_of(numbers: list[float]) -> str:
    """The unit that durations of requests most likely have, by their size: a proposal."""
    some = sorted(abs(n) for n in numbers if n)
    middle = some[len(some) // 2] if some else 0.0
    if middle >= 5e6:
        return "ns"
    if middle >= 5e4:
        return "us"
    has_fraction = any(n % 1 for n in some)
    return "s" if has_fraction and middle < 30 else "ms"


CONVERTERS: dict[type, Convert] = {int: integer, float: number, bool: boolean, str: text}


def converter(field: str) -> Convert:
    """What makes a value that a field takes; times have a reader of their own."""
    if field == "ip":
        return address
    kind = KINDS.get(field, str)
    return (lambda value: value) if kind is datetime else CONVERTERS.get(kind, text)
