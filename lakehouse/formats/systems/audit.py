"""The audit log of Linux: `type=SYSCALL msg=audit(1779012303.243:24287): arch=...`. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields, with_more
from lakehouse.formats.systems.pattern import by_pattern

_LINE = re.compile(
    r"(?:node=(?P<host>\S{1,255}) )?type=(?P<type>[A-Z0-9_\[\]]{1,64}) "
    r"msg=audit\((?P<timestamp>\d{10}\.\d{3}):(?P<serial>\d{1,20})\): ?(?P<message>.*)"
)
_PAIR = re.compile(r"(?:^|(?<=[ '\x1d]))([a-zA-Z][\w-]{0,40})=(\"[^\"]*\"|[^\s'\"]*)")


def _edit(fields: Fields) -> Fields:
    """With its pairs, as they are written but for the quotes; the second of a name is `name#2`."""
    found = _PAIR.findall(fields.get("message", ""))
    return with_more(fields, ((k, value.strip('"')) for k, value in found))


FORMAT = by_pattern("audit", "audit log of Linux", [_LINE], 70, _edit, service="audit")
