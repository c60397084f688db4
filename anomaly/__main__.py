"""`python -m anomaly`: score a series, evaluate the detectors."""

from __future__ import annotations

import sys

import click

from anomaly import alert_commands, lake_commands, review_commands  # noqa: F401  add theirs
from anomaly.commands import anomaly
from anomaly.health_commands import health
from lakehouse.errors import LogpondError

anomaly.add_command(health)


def main() -> None:
    """Run a command, also as `--mode detect`; a failure is its text and its exit code."""
    words = sys.argv[1:]
    if words and words[0].partition("=")[0] == "--mode":
        words = [*words[0].split("=")[1:], *words[1:]]
    try:
        anomaly.main(words, prog_name="python -m anomaly")
    except LogpondError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
