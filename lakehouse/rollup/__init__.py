"""What is counted of `logs`, per half hour and per day. Pure: values and SQL, nothing is run."""

from __future__ import annotations

from lakehouse.rollup.value import (
    DAY,
    HALF_HOUR,
    MINUTES,
    ROLLUPS,
    TRAFFIC,
    USAGE,
    WATERMARK,
    WINDOWS,
    Rollup,
)

__all__ = [
    "DAY",
    "HALF_HOUR",
    "MINUTES",
    "ROLLUPS",
    "TRAFFIC",
    "USAGE",
    "WATERMARK",
    "WINDOWS",
    "Rollup",
]
