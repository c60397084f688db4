"""Golden files: what goes in, what comes out, what is refused, side by side in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from support.records import decoded

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "decode"


def lines(rows: pa.Table) -> list[str]:
    """The rows as NDJSON."""
    return [json.dumps(row, default=str, ensure_ascii=False) for row in rows.to_pylist()]


def golden(name: str) -> list[str]:
    """The lines of a golden file."""
    return (GOLDEN / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")


def known(row: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row, but for those that are NULL and have no name in the golden row."""
    return {name: value for name, value in row.items() if name in named or value is not None}


def test_decoding_gives_the_golden_rows() -> None:
    """The input gives the rows of `output` and of `error-output`: all columns that these name.

    A field of events that came later is NULL.
    """
    events, rejects = decoded(*(line.encode() for line in golden("input.ndjson")))

    expected = [json.loads(line) for line in golden("output.ndjson")]
    rows = [json.loads(line) for line in lines(events)]
    assert [known(row, named) for row, named in zip(rows, expected, strict=True)] == expected
    assert lines(rejects) == golden("error-output.ndjson")
