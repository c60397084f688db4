"""Raises the bar for keys that often nearly alert: real crowds come in bursts. Pure."""

from __future__ import annotations

import numpy as np

from anomaly.engine.columns import Columns, Field, Floats
from anomaly.engine.config import Burstiness as Constants
from anomaly.engine.detector import Judged

DAY = 1440


class Burstiness:
    """Counts each key's near alerts a day in one direction, and lowers its surprise by them."""

    def __init__(self, config: Constants, opens: float) -> None:
        self.config, self.opens = config, opens
        self.state = Columns(
            peak=Field(0.0, "f4"),
            calm=Field(0.0, "f4"),
            near=Field(0.0, "f4"),
            minutes=Field(0.0, "f4"),
        )

    def judge(self, one: Judged) -> Floats:
        """Returns the surprise of the judged rows, lowered for keys with many near alerts."""
        if not len(one.rows):
            return one.surprise
        days = self.state["minutes"][one.rows] / DAY + 1
        often = (self.state["near"][one.rows] + self.config.usual) / days - self.config.usual
        return np.asarray(one.surprise / (1 + self.config.weight * np.maximum(often, 0.0)))

    def learn(self, one: Judged) -> None:
        """Follows each key's stretches of high surprise.

        One that ends without an alert is a near alert.
        """
        config, peak, calm = self.config, self.state["peak"], self.state["calm"]
        surprise = np.zeros(len(peak))
        surprise[one.rows] = np.where(one.holds, one.surprise, 0.0)
        stirred = surprise >= config.least
        np.maximum(peak, np.where(stirred, surprise, 0.0), out=peak, casting="same_kind")
        calm[:] = np.where(stirred, 0.0, calm + 1)
        over = (calm >= config.apart_minutes) & (peak > 0)
        for name, more in (("near", over & (peak < self.opens)), ("minutes", 1.0)):
            self.state[name][:] = self.state[name] * (1 - config.forget) + more
        peak[over] = 0.0
