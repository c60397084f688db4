"""Where the lines are that are none of their format: access logs and JSON, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from batch.formats.kind import json_object
from lakehouse.event import access_log
from lakehouse.event.textfile import lines

# A broken line further on is counted, not looked for.
MOST = 100_000
Line = tuple[str, int, str]


def broken_lines(files: Iterable[str], format: str) -> Iterator[Line]:
    """File, line and reason of lines that are not of `access` or `ndjson`; no others are known."""
    for file in files:
        for number, line in enumerate(islice(lines(Path(file)), MOST), 1):
            if line.strip() and not _is(line, format):
                yield file, number, REASONS[format]


def _is(line: bytes, format: str) -> bool:
    if format == "access":
        return access_log.parse(line, "-", "-") is not None
    return json_object(line) is not None


REASONS = {"access": "no access log line", "ndjson": "no JSON object"}
