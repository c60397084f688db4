"""`python -m streaming`: the streaming program by itself; without a command it streams."""

from __future__ import annotations

import sys

from lakehouse.errors import LogpondError
from streaming.commands import streaming
from streaming.health_commands import health
from streaming.upkeep_commands import upkeep

streaming.add_command(upkeep)
streaming.add_command(health)


def main() -> None:
    """Run the command, `stream` where none is named; a fault is words and an exit code."""
    words = sys.argv[1:]
    if not words or (words[0].startswith("-") and words[0] != "--help"):
        words = ["stream", *words]
    try:
        streaming(words, prog_name="python -m streaming")
    except LogpondError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
