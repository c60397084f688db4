"""What a reader was given of a batch, and what it was not: as sets of offsets say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lakes import raw_rows, records

from lakehouse.ingest.runs import Run, holes, runs


def offsets(found: list[Run]) -> list[tuple[int, int]]:
    """Partition and offset of each, in order."""
    return [(p, o) for p, first, last in found for o in range(first, last + 1)]


@given(st.lists(st.sets(st.integers(0, 30)), max_size=4))
def test_runs_and_holes_share_out_what_was_asked(tasks: list[set[int]]) -> None:
    """Whatever tasks were given, in whatever order: each offset is in a run, or else in a hole."""
    batches = [records(sorted(task), partition=n % 2) for n, task in enumerate(tasks)]
    found = [run for rows in batches for run in runs(rows)]
    came = set(offsets(found))
    missing = offsets(holes({0: (3, 25), 1: (0, 31)}, found))
    asked = {(0, o) for o in range(3, 25)} | {(1, o) for o in range(31)}
    assert (set(missing), len(missing)) == (asked - came, len(set(missing)))


def test_a_batch_without_a_hole_is_a_run_each_partition() -> None:
    """Also where the partitions of a batch of rows follow each other without a gap of offsets."""
    rows = [*records(range(5)).to_pylist(), *records(range(5, 9), partition=1).to_pylist()]
    assert runs(raw_rows([], [])) == []
    assert runs(records([]).from_pylist(rows, schema=records([]).schema)) == [
        Run(0, 0, 4),
        Run(1, 5, 8),
    ]


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ([], [Run(0, 5, 9)]),
        ([(0, 5, 9)], []),
        ([(0, 7, 7), (0, 5, 5)], [Run(0, 6, 6), Run(0, 8, 9)]),
        ([(0, 5, 8), (0, 6, 9), (3, 0, 1)], []),
    ],
)
def test_holes(came: list[tuple[int, int, int]], expected: list[Run]) -> None:
    """At the head, in the middle, at the end; runs may overlap, and be of what nobody asked."""
    assert holes({0: (5, 10)}, came) == expected
