"""Values of Avro as JSON has them, exactly: `fastavro` calls these for types named in LOGICAL.

Times are RFC 3339 text, as exact as they came; decimals numbers with all their digits; bytes
base64. What JSON has no number for (NaN) is text. Pure.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

START = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"millis": 3, "micros": 6, "nanos": 9}
Convert = Callable[..., Any]


def base64_text(data: bytes, *_schemas: Any) -> str:
    """What JSON has instead of bytes: their base64."""
    return base64.b64encode(data).decode()


def double(data: float, *_schemas: Any) -> float | str:
    """A number, or the name of what is none, as Protobuf has it in JSON."""
    if math.isfinite(data):
        return data
    return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"


def single(data: float, *_schemas: Any) -> float | str:
    """A number of 32 bits by its shortest digits: 0.1, not 0.10000000149011612."""
    if not math.isfinite(data):
        return double(data)
    packed = struct.pack("f", data)
    shorter = (float(f"{data:.{digits}g}") for digits in (6, 7, 8))
    return next((one for one in shorter if _is(one, packed)), data)


def _is(number: float, packed: bytes) -> bool:
    try:
        return struct.pack("f", number) == packed
    except OverflowError:
        return False


def decimal(data: bytes, schema: Any, _reader: Any = None) -> Any:
    """A number as it is written; longer ones than any are base64."""
    if len(data) > 400:
        return base64_text(data)
    return of_digits(int.from_bytes(data, "big", signed=True), schema["scale"])


def of_digits(unscaled: int, scale: int) -> msgspec.Raw:
    """A decimal number with `scale` digits behind its point."""
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    sign, at = "-" if unscaled < 0 else "", len(digits) - scale
    return msgspec.Raw(f"{sign}{digits[:at]}{'.' if scale else ''}{digits[at:]}".encode())


def moment(seconds: int, fraction: int, digits: int, zone: str = "Z") -> str | None:
    """A time as RFC 3339 text; None outside the years 1 to 9999."""
    try:
        when = START + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{when.isoformat()[:19]}.{fraction:0{digits}d}{zone}"


def _timestamp(digits: int, zone: str) -> Convert:
    def convert(data: int, *_schemas: Any) -> Any:
        seconds, fraction = divmod(data, 10**digits)
        found = moment(seconds, fraction, digits, zone)
        return data if found is None else found

    return convert


def date(data: int, *_schemas: Any) -> Any:
    """A day; the number of one that has no name."""
    try:
        return (START + timedelta(days=data)).date().isoformat()
    except OverflowError:
        return data


def _time(digits: int) -> Convert:
    def convert(data: int, *_schemas: Any) -> Any:
        seconds, fraction = divmod(data, 10**digits)
        if not 0 <= seconds < 86_400:
            return data
        return f"{START + timedelta(seconds=seconds):%H:%M:%S}.{fraction:0{digits}d}"

    return convert


def uuid(data: bytes, *_schemas: Any) -> str:
    """A UUID as it is written everywhere."""
    return str(UUID(bytes=bytes(data)))


def duration(data: bytes, *_schemas: Any) -> dict[str, int]:
    """Months, days and milliseconds, none of which is a number of the others."""
    return dict(zip(("months", "days", "millis"), struct.unpack("<III", data), strict=True))


LOGICAL: dict[str, Convert] = {
    "base64": base64_text,
    "double": double,
    "float": single,
    "decimal": decimal,
    "date": date,
    "uuid": uuid,
    "duration": duration,
    "time-millis": _time(3),
    "time-micros": _time(6),
    **{
        f"{kind}timestamp-{unit}": _timestamp(digits, zone)
        for kind, zone in (("", "Z"), ("local-", ""))
        for unit, digits in UNITS.items()
    },
}
