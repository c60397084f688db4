"""`python -m batch`: the commands over files by themselves."""

from __future__ import annotations

import click

from batch.commands import aggregate, discover, import_, scan, service_metrics, watch_time
from lakehouse.terminal.program import run


@click.group()
def batch() -> None:
    """What comes out of files: found, imported, summed, measured."""


for command in (
    scan.scan_cost,
    import_.import_,
    discover.discover,
    watch_time.watch_time,
    aggregate.aggregate,
    service_metrics.service_metrics,
):
    batch.add_command(command)


def main() -> None:
    """Run a command."""
    run(batch, "python -m batch")


if __name__ == "__main__":
    main()
