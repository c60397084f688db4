"""`python -m streaming`: the streaming program by itself; without a command it streams."""

from __future__ import annotations

import sys

from lakehouse.terminal.program import run
from streaming.commands.health import health
from streaming.commands.stream import streaming
from streaming.commands.upkeep import upkeep

streaming.add_command(upkeep)
streaming.add_command(health)


def main() -> None:
    """Run the command, `stream` where none is named."""
    words = sys.argv[1:]
    if not words or (words[0].startswith("-") and words[0] != "--help"):
        words = ["stream", *words]
    run(streaming, "python -m streaming", words)


if __name__ == "__main__":
    main()
