"""What is watched of the last rows: families of statistics, the same ones over several spans."""

from __future__ import annotations

import numpy as np

from anomaly.arrays import Array, Floats
from anomaly.score.streams import (
    DAY,
    DAY_LEVEL,
    KIND,
    LOG,
    LOG_DAY,
    RANK,
    SIGNED,
    STEP,
    WEEK,
    Streams,
    X,
)  # fmt: skip

SPANS, SHORT, LONG = (5, 12, 24, 48, 96), (1, 5, 12, 24, 48), (12, 24, 48, 96)
KEPT = 2 * SPANS[-1]
LIGHTS = SIGNED + LOG_DAY - DAY + 1


class Statistics:
    """The last rows in every light, newest first, and the statistics of them by family."""

    def __init__(self) -> None:
        self._streams = Streams()
        self._last = np.full((LIGHTS, KEPT), np.nan)

    def take(self, seconds: float | None, value: float) -> dict[str, Floats]:
        """Add one row; every family's statistics."""
        self._last[:, 1:] = self._last[:, :-1]
        self._last[:, 0] = self._streams.take(seconds, value)
        with np.errstate(all="ignore"):
            return self._families()

    def _families(self) -> dict[str, Floats]:
        last = self._last
        sums = np.cumsum(last, axis=1)
        lows, highs = (f.accumulate(last[[X, LOG]], axis=1) for f in (np.minimum, np.maximum))
        long, short = _means(sums, SPANS), _means(sums, SHORT)
        wide = _deviations(last[[X, STEP, LOG, RANK]])
        middles = np.array([np.median(last[X, :span]) for span in LONG])
        x = last[X, 0]
        spans, four = np.array(SPANS) - 1, np.array(LONG) - 1
        bare = SIGNED - DAY
        return {
            "high": np.array([x]),
            "low": np.array([-x]),
            "step": np.abs(last[STEP, :1]),
            "mean": long[X],
            "mean down": -long[X],
            "spread": wide[0],
            "spread down": -wide[0],
            "all high": lows[0][spans],
            "all low": -highs[0][spans],
            "shift": np.abs(long[X] - _before(sums[X])),
            "range": (highs[0] - lows[0])[23:24],
            "off the day": np.abs(short[[DAY, DAY_LEVEL]]).ravel(),
            "far off the day": short[[DAY + bare, DAY_LEVEL + bare]].ravel(),
            "histogram": self._streams.shifts,
            "off weekday or weekend": short[KIND + bare],
            "over the day": short[DAY],
            "under the day": -short[DAY],
            "off the week": short[WEEK + bare],
            "log off the day": short[LOG_DAY + bare],
            "log all high": lows[1][four],
            "log mean down": -long[LOG, 1:],
            "log spread": wide[2, 1:],
            "rank": np.abs(long[RANK, 1:]),
            "rank spread": wide[3, 1:],
            "median": middles,
            "median down": -middles,
            "spread of steps": wide[1, 1:],
            "spread of steps down": -wide[1, 1:],
        }


def _means(sums: Array, spans: tuple[int, ...]) -> Floats:
    return np.asarray(sums[:, np.array(spans) - 1] / np.array(spans))


def _before(sums: Array) -> Floats:
    """The mean of the rows before each span, as many."""
    spans = np.array(SPANS)
    return np.asarray((sums[2 * spans - 1] - sums[spans - 1]) / spans)


def _deviations(last: Array) -> Floats:
    """Standard deviations, around a value near all of them for the sake of digits."""
    near = last - last[:, :1]
    spans = np.array(SPANS)
    mean, squares = (np.cumsum(c, axis=1)[:, spans - 1] / spans for c in (near, near * near))
    return np.asarray(np.sqrt(np.maximum(squares - mean * mean, 0.0)))
