"""JSON values as they were written: numbers keep their digits. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

parts_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""The values of an object by key, as they were written; of a repeated key the last one."""
_value_of = msgspec.json.Decoder().decode
_BLANKS = re.compile(rb'("(?:[^"\\]++|\\.)*+")|[ \t\r\n]++')


def value_of(written: Any) -> Any:
    """The value that is written; itself where Python has none (`1e999`, 5000 digits)."""
    if not isinstance(written, msgspec.Raw):
        return written
    try:
        return _value_of(written)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return written


def compact(written: bytes) -> bytes:
    """A JSON value without the blanks between its parts, which are as they were written."""
    return _BLANKS.sub(rb"\1", written) if written[:1] in (b"[", b"{") else written
