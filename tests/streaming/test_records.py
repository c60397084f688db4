"""Rows as they come from Kafka's client: gathered to batches that are worth decoding."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from lakehouse.decode import HEADERS, RAW
from streaming import records


def rows(count: int, topic: str = "logs", first: int = 0, size: int = 1) -> pa.RecordBatch:
    """So many raw rows of a topic, with values of `size` bytes."""
    columns: dict[str, list[object]] = {
        "value": [b"x" * size] * count,
        "_topic": [topic] * count,
        "_partition": [0] * count,
        "_offset": [*range(first, first + count)],
        "_kafka_timestamp": [0] * count,
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[f.name], f.type) for f in RAW], schema=RAW)


def sizes(*batches: pa.RecordBatch) -> list[int]:
    """How many rows each batch has once they are gathered."""
    return [each.num_rows for each in records.gathered(batches)]


def test_small_batches_become_one() -> None:
    """In their order, and with all of their rows."""
    given = [rows(20), rows(80, first=20), rows(320, first=100)]
    (found,) = records.gathered(given)
    assert found["_offset"].to_pylist() == [*range(420)]
    assert sizes() == []


def test_enough_is_not_held_back() -> None:
    """By number, and by bytes: no more is held than one batch above the bound."""
    assert sizes(rows(4000), rows(4000), rows(10)) == [8000, 10]
    assert sizes(rows(1, size=3 << 20), rows(1, size=3 << 20)) == [1, 1]


def test_topics_and_columns_stay_apart() -> None:
    """A batch is of one topic, and those with headers have a column more."""
    with_headers = rows(5).append_column(HEADERS, pa.nulls(5, HEADERS.type))
    assert sizes(rows(5), rows(5, "other"), rows(5, "other")) == [5, 10]
    assert sizes(rows(5), with_headers, rows(5)) == [5, 5, 5]


@pytest.mark.parametrize("given", [[0], [0, 3], [3, 0, 4]])
def test_batches_without_rows_do_no_harm(given: list[int]) -> None:
    """A chunk may be empty."""
    assert sum(sizes(*map(rows, given))) == sum(given)


def test_a_worker_freezes_what_it_imported_once() -> None:
    """What is frozen is never collected: a second time would keep a task's own objects."""
    code = (
        "import gc; from streaming import source; source._freeze_once(); a = gc.get_freeze_count();"
        "kept = [[] for _ in range(1000)]; source._freeze_once(); print(a, gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = map(int, done.stdout.split())
    assert first > 10_000
    assert abs(second - first) < 100
