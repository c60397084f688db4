"""What the start waits for, for how long, and how long that took last time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MOST_BYTES = 10_000


@dataclass
class Phases:
    """Keeps in `file` how long each phase took, by name; one that was broken off is not kept."""

    file: Path | None = None
    clock: Callable[[], float] = time.monotonic
    _usual: dict[str, float] = field(default_factory=dict)
    _name: str = ""
    _began: float = 0.0

    def __post_init__(self) -> None:
        self._usual = _read(self.file) if self.file else {}

    def enter(self, name: str) -> None:
        """Ends the phase before; `name` begins."""
        self.leave()
        self._name, self._began = name, self.clock()

    def leave(self) -> None:
        """Ends the phase, and keeps how long it took."""
        if not self._name:
            return
        self._usual[self._name] = round(self.clock() - self._began, 1)
        self._name = ""
        if self.file:
            with suppress(OSError):
                self._write(self.file)

    @property
    def line(self) -> str:
        """Returns how long the phase has taken, and took last time; empty between phases."""
        if not self._name:
            return ""
        usual = self._usual.get(self._name)
        last = f"; last time {usual:.0f} s" if usual is not None else ""
        return f" ({self.clock() - self._began:.0f} s{last})"

    def _write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        pending = file.with_suffix(".new")
        pending.write_text(json.dumps(self._usual))
        pending.replace(file)


def _read(file: Path) -> dict[str, float]:
    """Returns what was kept; nothing where the file is not as we wrote it."""
    try:
        found = json.loads(file.read_bytes()[:MOST_BYTES])
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
