"""Golden files: what goes in, what comes out, what is refused, side by side in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from support.records import decoded

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "decode"


def lines(rows: pa.Table) -> list[str]:
    """The rows as NDJSON."""
    return [json.dumps(row, default=str, ensure_ascii=False) for row in rows.to_pylist()]


def golden(name: str) -> list[str]:
    """The lines of a golden file."""
    return (GOLDEN / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")


def test_decoding_gives_the_golden_rows() -> None:
    """The input gives exactly the rows of `output` and of `error-output`, column by column."""
    events, rejects = decoded(*(line.encode() for line in golden("input.ndjson")))

    assert lines(events) == golden("output.ndjson")
    assert lines(rejects) == golden("error-output.ndjson")
