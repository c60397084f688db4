"""The first rows of an answer as JSON has them: as many as a bound of rows and of bytes allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from lakehouse.terminal import render

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def compact(row: Row) -> int:
    """Returns the bytes of a row as JSON without spaces."""
    return len(msgspec.json.encode(row))


def first(
    found: pa.Table, most_rows: int, most_bytes: int, weigh: Callable[[Row], int] = compact
) -> list[Row]:
    """Returns the first rows that are no more than so many bytes, in Arrow and as they are weighed.

    What is too large in Arrow is never made text: a single value may have 100 MB.
    """
    shown = found.slice(0, most_rows)
    if shown.nbytes > most_bytes:
        sizes = accumulate(shown.slice(at, 1).nbytes for at in range(shown.num_rows))
        shown = shown.slice(0, sum(1 for _ in takewhile(lambda size: size <= most_bytes, sizes)))
    texts = render.json_rows(render.Rows.of_arrow(shown))
    return fitting(map(msgspec.json.decode, texts), most_bytes, weigh)


def fitting(
    rows: Iterable[Row], most_bytes: int, weigh: Callable[[Row], int] = compact
) -> list[Row]:
    """Returns the first rows that together weigh no more than so many bytes."""
    found, left = [], most_bytes
    for row in rows:
        left -= weigh(row)
        if left < 0:
            break
        found.append(row)
    return found
