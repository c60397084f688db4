"""A task holds a bounded number of bytes, whatever the sizes of its records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from support.lakes import LIMITS, raw_rows
from support.records import message

from lakehouse import decode
from lakehouse.ingest import intake
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.tables.catalog import LOGS, QUARANTINE

LARGE = 60_000
GOOD, BAD = message(path="/" + "x" * LARGE), b'{"path": "' + b"x" * LARGE + b'"}'


@pytest.mark.parametrize("payload", [GOOD, BAD], ids=["good", "bad"])
def test_few_large_records_are_written_in_between(
    payload: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file goes out after 0.6 MB here, long before the rows are many."""
    monkeypatch.setattr(intake, "FLUSH_BYTES", 10 * LARGE)
    roots = {table.name: str(tmp_path / table.name) for table in (LOGS, QUARANTINE)}
    task = DecodeToFiles(roots, "test:0", "part", datetime.now(UTC), LIMITS, decode.decode)

    files = [*task(chunks(payload))]

    assert sum(file.rows for file in files) == 100
    assert max(file.rows for file in files) <= 12


def chunks(payload: bytes) -> Iterator[pa.RecordBatch]:
    """A hundred records, two at a time."""
    return (raw_rows([payload] * 2, [first, first + 1]) for first in range(0, 100, 2))
