"""A minute of a key, as it was judged. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Point(NamedTuple):
    """A minute with the numbers of the five minutes that end with it; NaN before it is judged.

    Of a rule they are of its longest period, and what is expected is its bound.
    """

    at: datetime
    observed: float
    expected: float
    lower: float
    upper: float
    n: float
