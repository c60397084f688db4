"""`python -m anomaly`: score a series, evaluate the detectors."""

from __future__ import annotations

import sys

import click

from anomaly.commands import anomaly
from lakehouse.errors import LogpondError


def main() -> None:
    """Run a command; a failure is its text and its exit code."""
    try:
        anomaly.main(prog_name="python -m anomaly")
    except LogpondError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
