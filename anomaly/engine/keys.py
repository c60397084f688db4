"""Keeps the keys, and in which row of the columns each one is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomaly.engine.columns import Bools, Columns, Field, Ints
from anomaly.engine.config import Keys
from anomaly.engine.minute import Key


class KeyTable:
    """The keys by row: `listed` in the order of rows, and `row_of` gives the row of a key.

    `endpoints_of` has the rows of the endpoints of a service or of all traffic. `refused` counts
    the keys for which there was no room.
    """

    def __init__(self, config: Keys) -> None:
        self.config, self.refused = config, 0
        self.listed: list[Key] = []
        self.row_of: dict[Key, int] = {}
        self.endpoints_of: dict[Key, list[int]] = {}
        self.state = Columns(born=Field(0, "i8"), active=Field(0, "i8"))

    def take(self, at: int, keys: Sequence[Key]) -> Ints:
        """Returns the rows of these keys, of the shape (len(keys),); -1 where there is no room.

        New keys get the next rows, in sorted order.
        """
        fresh = sorted({key for key in keys if key not in self.row_of})
        room = self.config.most - len(self.listed)
        self.refused += len(fresh[room:])
        for key in fresh[:room]:
            self._add(key)
        self.state.grow(len(self.listed))
        if fresh:
            self.state["born"][len(self.listed) - len(fresh[:room]) :] = at
        rows = np.fromiter((self.row_of.get(key, -1) for key in keys), np.int64, len(keys))
        self.state["active"][rows[rows >= 0]] = at
        return rows

    def warm(self, at: int) -> Bools:
        """Returns which rows are old enough to be judged, of the shape (keys,)."""
        return np.asarray(at - self.state["born"] >= self.config.warm_minutes)

    def idle(self, at: int) -> Bools:
        """Returns which rows have been idle for too long, of the shape (keys,)."""
        return np.asarray(at - self.state["active"] > self.config.idle_minutes)

    def keep(self, rows: Bools) -> None:
        """Drops the keys whose entry in `rows` is false; the others move up."""
        self.state.keep(rows)
        self.load([key for key, kept in zip(self.listed, rows, strict=True) if kept])

    def load(self, keys: Sequence[Key]) -> None:
        """Replaces all keys by these, in this order."""
        self.listed, self.row_of, self.endpoints_of = [], {}, {}
        for key in keys:
            self._add(key)

    def _add(self, key: Key) -> None:
        self.row_of[key] = row = len(self.listed)
        self.listed.append(key)
        if key.endpoint:
            for wider in key.parents:
                self.endpoints_of.setdefault(wider, []).append(row)
