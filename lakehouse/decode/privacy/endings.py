"""Which places in many bytes have one of some endings before them, all at once. Pure."""

from __future__ import annotations

import numpy as np

LONGEST = 4


class Endings:
    """Endings of three or four bytes, each as its bytes are with bit 0x20 set (`_` as 0x7f)."""

    def __init__(self, *endings: str) -> None:
        """Most places fail at their last two bytes, by one look into a table."""
        self._two = np.zeros(1 << 16, bool)
        for one in endings:
            self._two[_number(one[-2:])] = True
        self._three, self._four = (
            np.array([_number(one) for one in endings if len(one) == size], np.uint32)
            for size in (3, 4)
        )

    def before(self, signs: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Whether one of them is before each place, in any case; by mistake at the first three."""
        found = np.zeros(at.size, bool)
        if signs.size >= LONGEST:
            may = np.flatnonzero(self._two[_last(signs, at, 2)])
            last = _last(signs, at[may], LONGEST)
            ends = np.isin(last, self._four) | np.isin(last & np.uint32(0xFFFFFF), self._three)
            found[may] = ends
        return found


def _last(signs: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    """The bytes before each place as a number; before the first one is the last one."""
    last = np.zeros(at.size, np.uint32)
    for back in range(size, 0, -1):
        last = (last << np.uint32(8)) | (signs[at - back] | np.uint8(0x20))
    return last


def _number(ending: str) -> int:
    return int.from_bytes(ending.encode(), "big")
