"""What a message lacks is added at its end; all else of it stays as it was written."""

from __future__ import annotations

import msgspec
import orjson

ABSENT = (b"", b"null")


class _Named(msgspec.Struct):
    """The fields that a message may lack."""

    event_id: msgspec.Raw = msgspec.Raw()
    service: msgspec.Raw = msgspec.Raw()


_named = msgspec.json.Decoder(_Named).decode


def stamped(message: bytes, event_id: str | None, service: str | None) -> bytes | None:
    """The message with an id and a service where it has none, and one is given.

    None where it is no JSON object.
    """
    try:
        found = _named(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    lacks: dict[str, str] = {}
    if event_id is not None and bytes(found.event_id) in ABSENT:
        lacks["event_id"] = event_id
    if service is not None and bytes(found.service) in ABSENT:
        lacks["service"] = service
    return _with(message, lacks) if lacks else message


def _with(message: bytes, lacks: dict[str, str]) -> bytes:
    head = message.rstrip()[:-1].rstrip()
    comma = b"" if head.lstrip() == b"{" else b","
    return b"%b%b%b" % (head, comma, orjson.dumps(lacks)[1:])
