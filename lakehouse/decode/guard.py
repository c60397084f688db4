"""The guard of event time: a timestamp is judged against the broker's time of its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.fault import Fault

_YEAR_10000 = 253_402_300_800_000_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Limits:
    """How far a timestamp may be off the broker's time, and how many payload bytes to keep.

    `ahead` and `behind` are inclusive; `behind` None means that any past is taken.
    """

    ahead: timedelta
    behind: timedelta | None
    payload_cap: int


def guard(timestamps: pa.Array, taken: pa.Array, limits: Limits) -> dict[int, Fault]:
    """The fault of each row whose timestamp is out of bounds; `taken` is the broker's time."""
    times = timestamps.cast(pa.int64())
    ahead = pc.subtract(times, taken.cast(pa.int64()))
    outside = pc.or_(pc.less(times, 0), pc.greater_equal(times, _YEAR_10000))
    outside = pc.or_(outside, pc.greater(ahead, limits.ahead // _MICROSECOND))
    if limits.behind is not None:
        outside = pc.or_(outside, pc.less(ahead, -(limits.behind // _MICROSECOND)))
    rows = pc.indices_nonzero(outside).to_pylist()
    return {row: _fault(times[row].as_py(), ahead[row].as_py()) for row in rows}


def _fault(time: int, ahead: int) -> Fault:
    if not 0 <= time < _YEAR_10000:
        return Fault("bad_timestamp", "timestamp: outside the years 1970 to 9999 in UTC")
    side, reason = ("ahead of", "future_timestamp") if ahead > 0 else ("behind", "past_timestamp")
    seconds = abs(ahead) / 1e6
    return Fault(reason, f"timestamp: {seconds:.1f} s {side} the broker's time")
