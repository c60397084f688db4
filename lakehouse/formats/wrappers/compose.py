"""What `docker compose logs` and `kubectl logs --prefix` print: a name before each line. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields
from lakehouse.formats.wrappers.timestamped import strip as timed
from lakehouse.formats.wrapping import Wrapper

_LINE = re.compile(
    r"(?:\x1b\[[\d;]*m)?(?:(?P<name>[A-Za-z0-9][\w.-]{0,120}) *\| (?:\x1b\[0m)?"
    r"|\[pod/(?P<pod>[\w.-]+)/(?P<container>[\w.-]+)\] )(?P<text>.*)",
    re.DOTALL,
)


def strip(line: bytes) -> tuple[Fields, str] | None:
    """The container of a line, and what it wrote; a time that was asked for stands between."""
    found = _LINE.fullmatch(line.decode(errors="backslashreplace").rstrip("\r\n"))
    if not found:
        return None
    name = found["name"] or found["container"]
    fields: Fields = {"service": re.sub(r"[-_]\d+$", "", name), "container": name}
    if found["pod"]:
        fields["pod"] = found["pod"]
    inside = timed(found["text"].encode())
    return ({**fields, **inside[0]}, inside[1]) if inside else (fields, found["text"])


FORMAT = Wrapper(
    "compose",
    "container log (compose)",
    "line with the name of its container",
    88,
    strip,
    ("service", "container", "message"),
).format()
