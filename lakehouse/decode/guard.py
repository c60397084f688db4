"""The guard of event time: compares each timestamp with the broker's time of its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.decode.fault import REASONS
from lakehouse.decode.privacy import MASKS, Privacy
from lakehouse.decode.record_time import YEAR_10000, is_valid, valid
from lakehouse.event.budgets import BUDGETS, Budgets
from lakehouse.formats.format import Fault

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Limits:
    """How far a timestamp may differ from the broker's time, and how many payload bytes to keep.

    `ahead` and `behind` are inclusive. With `behind` None any past time is accepted. `privacy` says
    what is not written as it came.
    """

    ahead: timedelta
    behind: timedelta | None
    payload_cap: int
    budgets: Budgets = BUDGETS
    privacy: Privacy = MASKS


def guard(timestamps: pa.Array, taken: pa.Array, limits: Limits) -> dict[int, Fault]:
    """Returns row number -> fault for the rows whose timestamp is out of bounds.

    `taken` has the broker's time of each row; both arrays are UTC timestamps in microseconds.
    """
    times = timestamps.cast(pa.int64())
    ahead = pc.subtract(times, valid(taken).cast(pa.int64()))
    is_dated = is_valid(taken)
    outside = pc.or_(pc.less(times, 0), pc.greater_equal(times, YEAR_10000))
    outside = pc.or_(outside, pc.invert(is_dated))
    outside = pc.or_(outside, pc.greater(ahead, limits.ahead // _MICROSECOND))
    if limits.behind is not None:
        outside = pc.or_(outside, pc.less(ahead, -(limits.behind // _MICROSECOND)))
    rows = pc.indices_nonzero(outside).to_pylist()
    columns = (times, is_dated, ahead)
    return {row: _fault(*(column[row].as_py() for column in columns)) for row in rows}


def _fault(time: int, is_dated: bool, ahead: int) -> Fault:
    if not is_dated:
        return Fault("bad_record_time", REASONS["bad_record_time"])
    if not 0 <= time < YEAR_10000:
        return Fault("bad_timestamp", "timestamp: outside the years 1970 to 9999 in UTC")
    side, reason = ("ahead of", "future_timestamp") if ahead > 0 else ("behind", "past_timestamp")
    seconds = abs(ahead) / 1e6
    return Fault(reason, f"timestamp: {seconds:.1f} s {side} the broker's time")
