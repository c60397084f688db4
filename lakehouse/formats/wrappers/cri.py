"""Lines of containers as the kubelet's runtime keeps them: time, stream, P or F, the line. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields
from lakehouse.formats.wrapping import PART, Wrapper

_LINE = re.compile(
    r"(?P<timestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) "
    r"(?P<stream>stdout|stderr) (?P<tag>[PF])(?::\w+)?(?: (?P<text>.*))?",
    re.DOTALL,
)


def strip(line: bytes) -> tuple[Fields, str] | None:
    """Time and stream of a line, and what a container wrote."""
    found = _LINE.fullmatch(line.decode(errors="backslashreplace").rstrip("\r\n"))
    if not found:
        return None
    fields: Fields = {"timestamp": found["timestamp"], "stream": found["stream"]}
    return fields | ({PART: True} if found["tag"] == "P" else {}), found["text"] or ""


FORMAT = Wrapper(
    "cri",
    "container log (CRI)",
    "line of a container",
    90,
    strip,
    ("timestamp", "stream", "message"),
).format()
