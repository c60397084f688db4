"""Lines of containers as Docker's driver json-file keeps them. Pure."""

from __future__ import annotations

from lakehouse.event.written import parts_of, value_of
from lakehouse.formats.format import Fields, with_more
from lakehouse.formats.objects.json import as_written
from lakehouse.formats.wrapping import PART, Wrapper

NAMES = {"timestamp": "time", "stream": "stream"}


def strip(line: bytes) -> tuple[Fields, str] | None:
    """Time, stream and attributes of a line, and what a container wrote."""
    found = as_written(line) or {}
    text = value_of(found.get("log"))
    if not isinstance(text, str) or "stream" not in found or "time" not in found:
        return None
    del found["log"]
    fields = {name: value_of(found.pop(key)) for name, key in NAMES.items()}
    attrs = bytes(found.get("attrs") or b"")
    if attrs.startswith(b"{"):
        del found["attrs"]
        taken = {*fields, *found}
        more = parts_of(attrs).items()
        with_more(fields, ((f"attrs.{key}" if key in taken else key, one) for key, one in more))
    with_more(fields, found.items())
    return fields | ({} if text.endswith("\n") else {PART: True}), text.rstrip("\r\n")


FORMAT = Wrapper(
    "docker",
    "container log (Docker)",
    "line of Docker",
    90,
    strip,
    ("timestamp", "stream", "message"),
).format()
