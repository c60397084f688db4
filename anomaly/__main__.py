"""`python -m anomaly`: score a series, evaluate the detectors."""

from __future__ import annotations

import sys

from anomaly import alert_commands, lake_commands, review_commands  # noqa: F401  add theirs
from anomaly.commands import anomaly
from anomaly.health_commands import health
from lakehouse.program import run

anomaly.add_command(health)


def main() -> None:
    """Run a command, also as `--mode detect`."""
    words = sys.argv[1:]
    if words and words[0].partition("=")[0] == "--mode":
        words = [*words[0].split("=")[1:], *words[1:]]
    run(anomaly, "python -m anomaly", words)


if __name__ == "__main__":
    main()
