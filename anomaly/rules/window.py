"""Sums of the last minutes by group and slot, exact: what leaves the window is taken off. Pure."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from anomaly.engine.columns import Ints


class Counted(msgspec.Struct, frozen=True):
    """What one minute added: a row, a slot and a number each."""

    at: int
    row: Ints
    slot: Ints
    n: Ints


class Window:
    """The sums of the last `minutes` minutes."""

    def __init__(self, minutes: int, slots: int) -> None:
        self._minutes, self._slots = minutes, slots
        self._last: deque[Counted] = deque()
        self._sums = np.zeros((0, slots), np.int64)
        self._rows = 0
        self._low, self._high = slots, 0

    @property
    def used(self) -> slice:
        """The slots that ever had a number."""
        return slice(self._low, self._high) if self._low < self._high else slice(0, 1)

    def sums(self, slots: slice) -> Ints:
        """Returns some slots of all rows, of the shape (rows, slots)."""
        return self._sums[: self._rows, slots]

    @property
    def last(self) -> list[Counted]:
        """What the minutes of the window added, oldest first."""
        return [*self._last]

    def grow(self, rows: int) -> None:
        """Makes room for this many rows."""
        if rows > len(self._sums):
            grown = np.zeros((max(rows, 2 * len(self._sums), 4), self._slots), np.int64)
            grown[: self._rows] = self._sums[: self._rows]
            self._sums = grown
        self._rows = rows

    def push(self, at: int, added: Counted | None) -> bool:
        """Moves on to a minute, and adds what it counted. Returns whether sums changed."""
        changed = False
        while self._last and self._last[0].at <= at - self._minutes:
            old = self._last.popleft()
            np.subtract.at(self._sums, (old.row, old.slot), old.n)
            changed = True
        if added is not None:
            self._last.append(added)
            np.add.at(self._sums, (added.row, added.slot), added.n)
            self._low = min(self._low, int(added.slot.min()))
            self._high = max(self._high, int(added.slot.max()) + 1)
            changed = True
        return changed

    def keep(self, place: Ints) -> None:
        """Moves each row to its new place; -1 drops one, which must have no rows in the window."""
        kept = place >= 0
        self._sums = self._sums[: self._rows][kept].copy()
        self._rows = len(self._sums)
        self._last = deque(Counted(one.at, place[one.row], one.slot, one.n) for one in self._last)
