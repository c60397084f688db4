"""Writes the truth about staged incidents, so that detection can be graded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from producer.traffic.scenarios import Label


class Truth:
    """A labels file: one line for each incident that took place, with its actual time."""

    def __init__(self, path: Path, labels: Iterable[Label]) -> None:
        self._path, self._open = path, list(labels)

    def close(self, at: int, stopped: bool = False) -> None:
        """Writes incidents that are over; `stopped` ends begun ones at `at` and drops the rest."""
        over = [label for label in self._open if label.end <= at or stopped]
        self._open = [label for label in self._open if label not in over]
        self._write(replace(label, end=min(label.end, at)) for label in over if label.start < at)

    def _write(self, labels: Iterable[Label]) -> None:
        lines = [orjson.dumps(label.line()) + b"\n" for label in labels]
        if lines:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(b"".join(lines))
