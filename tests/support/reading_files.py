"""Builders: lines as rows of the lake, by the way that an import takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.records import LIMITS

from batch.formats.kind import sniff
from batch.imports.batches import DecodeFile, batches
from batch.imports.reading import Overrides, reading
from lakehouse.event.textfile import lines
from lakehouse.formats.reading import Reading
from lakehouse.formats.records import records
from lakehouse.ingest.raw_zone import Imported

TAKEN = datetime(2027, 1, 2, tzinfo=UTC)
SHA256 = "ab" * 32
Rows = list[dict[str, Any]]


def of_lines(some: Sequence[bytes], how: Reading) -> tuple[Rows, Rows]:
    """The events and the rejects of lines that are read so."""
    what = Imported(
        sha256=SHA256,
        unpacked=SHA256,
        path="a.log",
        size=1,
        reading=how,
        taken=TAKEN,
        imported_at=TAKEN,
    )
    decode = DecodeFile(what)
    found = [decode(rows, LIMITS) for rows in batches(records(some, how), what)]
    events = [row for part in found for row in part.events.to_pylist()]
    return events, [row for part in found for row in part.rejects.to_pylist()]


def of_file(path: Path, overrides: Overrides | None = None) -> tuple[Rows, Rows]:
    """Those of a file by its own first lines; times without a zone are UTC, the service `svc`."""
    said = overrides or Overrides(constants={"service": "svc"}, zone="UTC")
    return of_lines([*lines(path, keeps_cr=True)], reading(path, sniff(path), said))
