"""Lines of requests as proxies write them, by a pattern each: what they share. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from lakehouse.formats.format import Fields, Format
from lakehouse.formats.systems.pattern import by_pattern
from lakehouse.formats.values import address, integer

REQUEST = r'(?:(?P<method>[A-Z-]+) (?P<path>[^" ]+)(?: HTTP/[\d.]+)?|(?P<request>[^"]*))'
INTEGERS = ("status_code", "bytes_sent")


def proxy(
    name: str, title: str, line: re.Pattern[str], millis: Callable[[Fields], float | None]
) -> Format:
    """The format of lines of a pattern, whose groups are fields; `millis` is the time to answer."""

    def edit(fields: Fields) -> Fields:
        fields |= {key: integer(fields[key]) for key in INTEGERS if key in fields}
        fields |= {"ip": address(fields["ip"])} if "ip" in fields else {}
        time = millis(fields)
        return fields if time is None else {**fields, "response_time": time}

    return by_pattern(name, title, [line], 85, edit, service="web")
