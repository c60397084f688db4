"""`python -m producer`: the same as `logpond produce`."""

from __future__ import annotations

import sys

import click

from lakehouse.errors import LogpondError
from producer.commands import produce


def main() -> None:
    """Run the producer; a failure is its text and its exit code."""
    try:
        produce.main(prog_name="python -m producer")
    except LogpondError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
