"""`python -m producer`: as `logpond produce`; `python -m producer files`: as `logpond files`."""

from __future__ import annotations

import sys

from lakehouse.terminal.program import run
from producer.commands.files import files
from producer.commands.produce import produce


def main() -> None:
    """Run the producer, or make files."""
    if sys.argv[1:2] == [files.name]:
        run(files, "python -m producer files", sys.argv[2:])
    run(produce, "python -m producer")


if __name__ == "__main__":
    main()
