"""The time of a record as Kafka tells it: a broker takes nearly any 64-bit number for it. Pure.

A number that is no time from 1970 to 9999 becomes `NONE`; no clock shows that very microsecond.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.event.schema import UTC_TIMESTAMP

NONE = 0
YEAR_10000 = 253_402_300_800_000_000


def is_time(millis: int) -> bool:
    """Whether milliseconds of Kafka are a time."""
    return NONE < millis < YEAR_10000 // 1000


def of_millis(millis: pa.Array) -> pa.Array:
    """Milliseconds of Kafka as times of the lake."""
    fit = pc.and_(pc.greater(millis, NONE), pc.less(millis, YEAR_10000 // 1000))
    return pc.multiply(pc.if_else(fit, millis, NONE), 1000).cast(UTC_TIMESTAMP)


def is_known(taken: pa.Array) -> pa.Array:
    """Whether each is a time at all."""
    micros = taken.cast(pa.int64())
    return pc.and_(pc.greater(micros, NONE), pc.less(micros, YEAR_10000))


def known(taken: pa.Array) -> pa.Array:
    """The times, with `NONE` for those that are none."""
    return pc.if_else(is_known(taken), taken, pa.scalar(NONE, UTC_TIMESTAMP))
