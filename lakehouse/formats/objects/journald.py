"""The systemd journal, as `journalctl -o json` writes it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from lakehouse.event.written import value_of
from lakehouse.formats.format import Fields
from lakehouse.formats.objects.known import known


def _edit(fields: Fields) -> None:
    fields.update((key, _text(value)) for key, value in fields.items())


def _text(written: Any) -> Any:
    """The text of a list of bytes, in which the journal keeps what is no UTF-8 or not printable."""
    if bytes(written if isinstance(written, msgspec.Raw) else b"")[:1] != b"[":
        return written
    found = value_of(written)
    is_bytes = isinstance(found, list) and all(type(n) is int and 0 <= n < 256 for n in found)
    return bytes(found).decode(errors="backslashreplace") if is_bytes and found else written


FORMAT = known(
    "journald",
    "journal JSON",
    [("__REALTIME_TIMESTAMP", "MESSAGE")],
    {
        "__REALTIME_TIMESTAMP": "timestamp",
        "PRIORITY": "level",
        "MESSAGE": "message",
        "_HOSTNAME": "host",
        "SYSLOG_IDENTIFIER": "service",
        "_SYSTEMD_UNIT": "logger",
    },
    edit=_edit,
)
