"""Records of a file come in batches of bounded size, however large each is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from batch.formats.kind import sniff
from batch.imports import batches as module
from batch.imports.batches import batches
from batch.imports.reading import Overrides, reading
from lakehouse.formats.format import Record
from lakehouse.ingest.raw_zone import Imported


def imported(file: Path) -> Imported:
    """A file as it was read just now."""
    file.write_text('{"ip": "192.0.2.7"}\n' * 3)
    now, how = datetime.now(UTC), reading(file, sniff(file), Overrides())
    return Imported(
        sha256="0" * 64,
        unpacked="0" * 64,
        path=str(file),
        size=1,
        reading=how,
        taken=now,
        imported_at=now,
    )


@pytest.mark.parametrize(("size", "rows"), [(10, [7]), (300, [2, 2, 2, 1]), (5000, [1] * 7)])
def test_a_batch_is_bounded_by_bytes(
    size: int, rows: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit comes in the next one; a record that is too large comes alone."""
    monkeypatch.setattr(module, "BYTES", 1000)
    records = [Record(n, b"x" * 2 * size) for n in range(7)]

    found = [*batches(records, imported(tmp_path / "f.ndjson"))]

    assert [part.num_rows for part in found] == rows
    assert pa.Table.from_batches(found)["_offset"].to_pylist() == [*range(7)]
