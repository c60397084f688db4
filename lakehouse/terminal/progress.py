"""How far long work is, said now and then where somebody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from lakehouse.terminal.render import echo

EVERY_SECONDS = 2.0


def now_and_then() -> Callable[[str], None]:
    """Returns what shows a line on a terminal, if the last one is a while ago; elsewhere none."""
    shown_at = time.monotonic()

    def say(how_far: str) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= EVERY_SECONDS:
            shown_at = time.monotonic()
            echo(how_far, err=True)

    return say if sys.stderr.isatty() else lambda _how_far: None
