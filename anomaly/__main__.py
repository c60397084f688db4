"""`python -m anomaly`: score a series, evaluate the detectors."""

from __future__ import annotations

import sys

from anomaly.commands import alerts, lake, review  # noqa: F401  add theirs
from anomaly.commands.health import health
from anomaly.commands.series import anomaly
from lakehouse.terminal.program import run

anomaly.add_command(health)


def main() -> None:
    """Run a command, also as `--mode detect`."""
    words = sys.argv[1:]
    if words and words[0].partition("=")[0] == "--mode":
        words = [*words[0].split("=")[1:], *words[1:]]
    run(anomaly, "python -m anomaly", words)


if __name__ == "__main__":
    main()
