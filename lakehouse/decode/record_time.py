"""The broker's time of a record, which may be nearly any 64-bit number. Pure.

A number that is not a time from 1970 to 9999 becomes `NO_TIME` (0, the first microsecond of 1970).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.event.schema import UTC_TIMESTAMP

NO_TIME = 0
YEAR_10000 = 253_402_300_800_000_000


def is_time(millis: int) -> bool:
    """Whether milliseconds of Kafka are a time after 1970-01-01 00:00 and before year 10000."""
    return NO_TIME < millis < YEAR_10000 // 1000


def of_millis(millis: pa.Array) -> pa.Array:
    """Converts milliseconds (int64) to UTC timestamps in microseconds, or to `NO_TIME`."""
    fit = pc.and_(pc.greater(millis, NO_TIME), pc.less(millis, YEAR_10000 // 1000))
    return pc.multiply(pc.if_else(fit, millis, NO_TIME), 1000).cast(UTC_TIMESTAMP)


def is_valid(taken: pa.Array) -> pa.Array:
    """Returns booleans: whether each timestamp is a time, so not `NO_TIME` nor out of range."""
    micros = taken.cast(pa.int64())
    return pc.and_(pc.greater(micros, NO_TIME), pc.less(micros, YEAR_10000))


def valid(taken: pa.Array) -> pa.Array:
    """Returns the timestamps, with `NO_TIME` in place of those that are not times."""
    return pc.if_else(is_valid(taken), taken, pa.scalar(NO_TIME, UTC_TIMESTAMP))
