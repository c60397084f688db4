"""Pure. Which offsets of a batch its reader was given, and which it was not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa


class Run(NamedTuple):
    """Offsets `first` to `last` of a partition, both of them included."""

    partition: int
    first: int
    last: int


def runs(records: pa.RecordBatch) -> list[Run]:
    """The offsets of raw rows, as runs without a hole, in the order of the rows."""
    partitions, offsets = (records[name].to_numpy() for name in ("_partition", "_offset"))
    ends = np.flatnonzero((np.diff(offsets) != 1) | (np.diff(partitions) != 0)) + 1
    parts = zip([0, *ends], [*ends, len(offsets)], strict=True)
    return [
        Run(int(partitions[start]), int(offsets[start]), int(offsets[end - 1]))
        for start, end in parts
        if start < end
    ]


def holes(asked: Mapping[int, tuple[int, int]], given: Iterable[tuple[int, int, int]]) -> list[Run]:
    """What of the ranges [first, end) of each partition is in none of the runs, in order."""
    found, following = list[Run](), {partition: first for partition, (first, _) in asked.items()}
    for partition, first, last in sorted(run for run in given if run[0] in asked):
        expected, (_, end) = following[partition], asked[partition]
        if expected < min(first, end):
            found.append(Run(partition, expected, min(first, end) - 1))
        following[partition] = max(expected, last + 1)
    tails = [Run(p, following[p], end - 1) for p, (_, end) in asked.items() if following[p] < end]
    return sorted([*found, *tails])
