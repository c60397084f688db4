"""`python -m producer`: the same as `logpond produce`."""

from __future__ import annotations

from lakehouse.program import run
from producer.commands import produce


def main() -> None:
    """Run the producer."""
    run(produce, "python -m producer")


if __name__ == "__main__":
    main()
