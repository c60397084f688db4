"""The statistics of the last rows, in families; each is taken over several numbers of rows.

Pure.
"""

from __future__ import annotations

import numpy as np

from anomaly.engine.columns import Array, Floats
from anomaly.series.streams import (
    BARE,
    DAY,
    DAY_AGO,
    DAY_LEVEL,
    KIND,
    LIGHTS,
    LOG,
    LOG_DAY,
    LOG_KIND,
    LOG_WEEK,
    RANK,
    STEP,
    WEEK,
    WEEK_AGO,
    Streams,
    X,
)

WIDTHS, SHORT, LONG = (5, 12, 24, 48, 96), (1, 5, 12, 24, 48), (12, 24, 48, 96)
KEPT = 2 * WIDTHS[-1]
RANGES = (12, 48, 96, KEPT)
Families = dict[str, Floats]


class Statistics:
    """The last values of all streams, newest first, and the statistics of them by family."""

    def __init__(self) -> None:
        self._streams = Streams()
        self._last = np.full((LIGHTS, KEPT), np.nan)

    def take(self, seconds: float | None, value: float) -> Families:
        """Adds one row. Returns family -> statistics."""
        self._last[:, 1:] = self._last[:, :-1]
        self._last[:, 0] = self._streams.take(seconds, value)
        with np.errstate(all="ignore"):
            sums = np.cumsum(self._last, axis=1)
            spreads = _deviations(self._last[[X, STEP, LOG, RANK]])
            return {
                **self._of_values(sums, spreads),
                **self._of_extremes(),
                **_of_hours(_means(sums, SHORT)),
                **self._of_logs_and_ranks(_means(sums, LONG), spreads),
                **self._of_levels(),
            }

    def _of_values(self, sums: Array, spreads: Array) -> Families:
        means, x, step = _means(sums, WIDTHS)[X], self._last[X], self._last[STEP]
        middles = np.array([np.median(x[:width]) for width in LONG])
        curves = np.cumsum(np.abs(x[2:] - 2 * x[1:-1] + x[:-2]))
        return {
            "high": x[:1],
            "low": -x[:1],
            "step": np.abs(step[:1]),
            "step up": step[:1],
            "step down": -step[:1],
            "mean": means,
            "mean down": -means,
            "median": middles,
            "median down": -middles,
            "shift": np.abs(means - _before(sums[X])),
            "spread": spreads[0],
            "spread down": -spreads[0],
            "spread of steps": spreads[1, 1:],
            "spread of steps down": -spreads[1, 1:],
            "curve": np.array([curves[width - 3] / (width - 2) for width in LONG]),
        }

    def _of_extremes(self) -> Families:
        low, log_low = np.minimum.accumulate(self._last[[X, LOG]], axis=1)
        high = np.maximum.accumulate(self._last[X])
        widths, ranges = np.array(WIDTHS) - 1, np.array(RANGES) - 1
        return {
            "all high": low[widths],
            "all low": -high[widths],
            "log all high": log_low[widths[1:]],
            "range": (high - low)[23:24],
            "ranges": (high - low)[ranges],
            "ranges small": -(high - low)[ranges],
        }

    def _of_logs_and_ranks(self, means: Array, spreads: Array) -> Families:
        log, rank = means[LOG], means[RANK]
        return {
            "log mean down": -log,
            "log spread": spreads[2, 1:],
            "log step": np.abs(self._last[LOG, :1] - self._last[LOG, 1:2]),
            "rank": np.abs(rank),
            "rank up": rank,
            "rank down": -rank,
            "rank spread": spreads[3, 1:],
        }

    def _of_levels(self) -> Families:
        slow, slower, fast = self._streams.levels
        return {
            "histogram": self._streams.shifts,
            "off the levels": np.abs(self._last[X, 0] - self._streams.levels),
            "levels apart": np.abs([slow - slower, fast - slow]),
        }


def _of_hours(means: Array) -> Families:
    return {
        "off the day": np.abs(means[[DAY, DAY_LEVEL]]).ravel(),
        "far off the day": means[[DAY + BARE, DAY_LEVEL + BARE]].ravel(),
        "over the day": means[DAY],
        "under the day": -means[DAY],
        "off weekday or weekend": means[KIND + BARE],
        "over weekday or weekend": means[KIND],
        "under weekday or weekend": -means[KIND],
        "off the week": means[WEEK + BARE],
        "over the week": means[WEEK],
        "under the week": -means[WEEK],
        "log off the day": means[LOG_DAY + BARE],
        "log off the week": means[LOG_WEEK + BARE],
        "log off weekday or weekend": means[LOG_KIND + BARE],
        "off a day ago": np.abs(means[DAY_AGO]),
        "off a week ago": np.abs(means[WEEK_AGO]),
    }


def _means(sums: Array, widths: tuple[int, ...]) -> Floats:
    return np.asarray(sums[:, np.array(widths) - 1] / np.array(widths))


def _before(sums: Array) -> Floats:
    """Returns, for each width, the mean of as many rows before the last `width` ones."""
    widths = np.array(WIDTHS)
    return np.asarray((sums[2 * widths - 1] - sums[widths - 1]) / widths)


def _deviations(last: Array) -> Floats:
    """Returns standard deviations, computed around a value near all of them to keep digits."""
    near = last - last[:, :1]
    widths = np.array(WIDTHS)
    mean, squares = (np.cumsum(c, axis=1)[:, widths - 1] / widths for c in (near, near * near))
    return np.asarray(np.sqrt(np.maximum(squares - mean * mean, 0.0)))
