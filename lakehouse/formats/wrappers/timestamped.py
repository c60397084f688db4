"""Lines with a time before them, by `kubectl logs --timestamps` or `docker logs -t`. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields, Proposal, Sample
from lakehouse.formats.wrapping import INNER, Wrapper

_LINE = re.compile(
    r"(?P<timestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d)) (?P<text>.*)",
    re.DOTALL,
)


def strip(line: bytes) -> tuple[Fields, str] | None:
    """The time of a line, and the line."""
    found = _LINE.fullmatch(line.decode(errors="backslashreplace").rstrip("\r\n"))
    return ({"timestamp": found["timestamp"]}, found["text"]) if found else None


class _Timestamped(Wrapper):
    """Only around a format that is known: else the time is the application's own."""

    def _recognise(self, sample: Sample) -> Proposal | None:
        found = super()._recognise(sample)
        return found if found and INNER in found.options else None


FORMAT = _Timestamped(
    "timestamped", "lines with a time", "line with a time before it", 65, strip
).format()
