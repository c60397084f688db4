"""Learns what is usual at each hour of the week, for explanation, severity and absence. Pure."""

from __future__ import annotations

import numpy as np

from anomaly.engine.columns import Columns, Field, Floats, Ints

HOURS = 168
# A week counts so much when the same hour is learned again; the band is so many deviations wide.
_WEIGHT, _WIDE = 0.3, 2.0
# The epoch was a Thursday.
_DAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")


class Seasonality:
    """Keeps for each key and hour of the week the middle and the width of the usual log total.

    A total is the sum of five minutes. The columns `middle` and `width` have the shape (keys, 168).
    """

    def __init__(self) -> None:
        self.state = Columns(
            middle=Field(np.nan, "f2", HOURS),
            width=Field(np.nan, "f2", HOURS),
            summed=Field(0.0, "f4"),
            squared=Field(0.0, "f4"),
            minutes=Field(0.0, "f4"),
        )
        self.hour = -1

    def step(self, at: int, totals: Floats) -> None:
        """Adds a minute: `totals`, of the shape (keys,), are of its last five.

        An hour is learned at its end.
        """
        if at // 60 != self.hour:
            self._end()
            self.hour = at // 60
        logs = np.log1p(np.maximum(totals, 0.0))
        self.state["summed"][:] += logs
        self.state["squared"][:] += logs * logs
        self.state["minutes"][:] += 1

    def usual(self, at: int, rows: Ints) -> tuple[Floats, Floats]:
        """Returns the usual range of these rows' totals at that time; NaN if not known."""
        slot = at // 60 % HOURS
        middle = self.state["middle"][rows, slot].astype(float)
        width = np.maximum(self.state["width"][rows, slot].astype(float), 0.05) * _WIDE
        return np.expm1(middle - width), np.expm1(middle + width)

    def _end(self) -> None:
        state, slot = self.state, self.hour % HOURS
        minutes = np.maximum(state["minutes"], 1.0)
        middle = state["summed"] / minutes
        width = np.sqrt(np.maximum(state["squared"] / minutes - middle**2, 0.0))
        full = state["minutes"] >= 30
        for name, value in (("middle", middle), ("width", width)):
            before = state[name][:, slot]
            after = np.where(np.isnan(before), value, before + _WEIGHT * (value - before))
            state[name][:, slot] = np.where(full, after, before)
        for name in ("summed", "squared", "minutes"):
            state[name][:] = 0.0


def render_hour(at: int) -> str:
    """Renders a time as the hour of the week: `Tue 14:00`."""
    return f"{_DAYS[at // 1440 % 7]} {at // 60 % 24:02d}:00"
