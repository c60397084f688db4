"""Renders the progress of the producer: a line a second, and a last line with the totals."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import orjson


class Counts(Protocol):
    """Counts records by state: acknowledged, refused, or waiting for the acknowledgement."""

    @property
    def acked(self) -> int:
        """Confirmed by the broker."""

    @property
    def refused(self) -> list[Any]:
        """The records that the broker will never take."""

    @property
    def waiting(self) -> int:
        """Handed over, not confirmed."""


class Totals:
    """The counts of several topics together."""

    def __init__(self, counts: Sequence[Counts]) -> None:
        self._counts = counts

    @property
    def acked(self) -> int:
        """Confirmed by the broker."""
        return sum(each.acked for each in self._counts)

    @property
    def refused(self) -> list[Any]:
        """The records that the broker will never take."""
        return [record for each in self._counts for record in each.refused]

    @property
    def waiting(self) -> int:
        """Handed over, not confirmed."""
        return sum(each.waiting for each in self._counts)


class Progress:
    """Prints lines for a person, or JSON for a program."""

    def __init__(self, say: Callable[[str], None], as_json: bool) -> None:
        self.phase = "start"
        self._say, self._as_json = say, as_json
        self._began = self._reported = time.monotonic()
        self._acked = 0

    def beat(self, counts: Counts) -> None:
        """Prints the counts, once a second."""
        now = time.monotonic()
        if now - self._reported < 1:
            return
        rate = (counts.acked - self._acked) / (now - self._reported)
        self._reported, self._acked = now, counts.acked
        self._line(counts, rate, counts.waiting, {})

    def done(self, counts: Counts, unsent: int, facts: dict[str, Any]) -> None:
        """Prints the exact totals: acked + failed + unsent is all that was taken."""
        self.phase = "done"
        self._line(counts, counts.acked / max(self._elapsed(), 0.001), unsent, facts)

    def _line(self, counts: Counts, rate: float, unsent: int, facts: dict[str, Any]) -> None:
        state = {
            "phase": self.phase,
            "acked": counts.acked,
            "failed": len(counts.refused),
            "rate": round(rate, 1),
            "unsent": unsent,
            "elapsed": round(self._elapsed(), 2),
            **facts,
        }
        self._say(orjson.dumps(state).decode() if self._as_json else _text(state))

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def _text(state: dict[str, Any]) -> str:
    facts = [f"{name} {value}" for name, value in list(state.items())[6:] if value != 0]
    return "  ".join(
        [
            f"{state['phase']:<8} {state['acked']:>11,} acked  {state['rate']:>9,.0f}/s",
            f"{state['failed']:,} failed  {state['unsent']:,} unsent  {state['elapsed']:.0f} s",
            *facts,
        ]
    )
