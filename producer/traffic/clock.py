"""Time as the producer counts it: whole microseconds since the epoch, UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from producer.traffic.curve import MICROS


def stamp(at: int) -> str:
    """Renders a time as RFC 3339 in UTC, with microseconds."""
    second, micros = divmod(at, MICROS)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def micros_of(moment: datetime) -> int:
    """Returns the exact microseconds since the epoch of a time with a zone."""
    whole = int(moment.timestamp() // 1)
    return whole * MICROS + moment.microsecond


class Stamper:
    """`stamp`, for many times in a row: formats each second once."""

    def __init__(self) -> None:
        self._second, self._text = -1, ""

    def __call__(self, at: int) -> str:
        """Returns the same text as `stamp(at)`."""
        second, micros = divmod(at, MICROS)
        if second != self._second:
            self._second, self._text = second, stamp(at)[:20]
        return f"{self._text}{micros:06d}Z"
