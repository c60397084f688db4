"""How unusual a minute is: its mean response time against the minutes before it. Pure.

For a minute t of a service in an environment, with m = its mean response time in whole
microseconds (total divided by the number of timed requests, rounded down), and the n minutes of the
window [t - window, t), the minute itself excluded, that had timed requests:

    S = sum of their means,  Q = sum of their squares            (exact integers)
    expected = S / n
    spread   = sqrt((n Q - S^2) / (n (n - 1))), at least 1 ms    (the sample's standard deviation)
    z        = (n m - S) / n / spread

Nothing after t enters it, and there is no z before n = 10. Minutes without requests are not in the
window. A spike stays in the windows of the minutes after it, so that its third or fourth minute is
less of a surprise than its first. Up to the division all is in integers: whoever computes it, in
whatever order, gets the same bits.

A record is judged beside its minute: its own response time x against all n timed requests of its
service in that environment, the whole input, with S and Q over these (exact integers, each x cut
at `MOST_US`):

    mean   = S / n,  spread = sqrt((Q - S^2 / n) / (n - 1)), at least 1 ms
    z      = (x - mean) / spread

There is none before n = 10. Two numbers a service are all that is held for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

LEAST_HISTORY = 10
# A service that always answers in the same time is no cause for alarm at 1 us more.
LEAST_SPREAD_US = 1000
# Means count at most as 11 days, so that squares of them can be summed in 38 digits.
MOST_US = 10**12
WINDOW = timedelta(minutes=30)
THRESHOLD = 3.0


class Score(NamedTuple):
    """What a minute is judged by; times in ms, None where there is too little history."""

    history: int
    expected_ms: float | None
    spread_ms: float | None
    z: float | None


def spread_ms(timed: int, total_us: int, squares: int) -> float | None:
    """The spread of single requests [ms]; None where there are too few."""
    if timed < LEAST_HISTORY:
        return None
    above = max(float(squares) - float(total_us) * float(total_us) / timed, 0.0)
    return max(math.sqrt(above / (timed - 1)), LEAST_SPREAD_US) / 1000


def mean_us(total_us: int, timed: int) -> int | None:
    """The mean response time that is judged [us]; None without a timed request."""
    return min(total_us // timed, MOST_US) if timed else None


def scores(means: Iterable[tuple[int, int | None]], window: timedelta) -> Iterator[Score]:
    """The score of each minute; `means` are (second of its start, mean [us]) in their order."""
    past, span = deque[tuple[int, int]](), int(window.total_seconds())
    total = squares = 0
    for at, mean in means:
        while past and past[0][0] < at - span:
            _, gone = past.popleft()
            total, squares = total - gone, squares - gone * gone
        yield _score(len(past), total, squares, mean)
        if mean is not None:
            past.append((at, mean))
            total, squares = total + mean, squares + mean * mean


def _score(n: int, total: int, squares: int, mean: int | None) -> Score:
    if n < LEAST_HISTORY:
        return Score(n, None, None, None)
    spread = max(math.sqrt(float(n * squares - total * total) / (n * (n - 1))), LEAST_SPREAD_US)
    z = None if mean is None else float(n * mean - total) / n / spread
    return Score(n, float(total) / n / 1000, spread / 1000, z)
