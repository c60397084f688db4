"""`logpond files`: files of logs for the file jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def files() -> None:
    """Make files of logs for the file jobs: seeded, and only what is missing.

    \b
      logpond files metrics --days 90 --output-dir data/metrics
    """


@files.command()
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, metavar="N")
@click.option("--logs-per-day", type=click.IntRange(1), default=50_000, show_default=True,
              metavar="N")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True, metavar="N")
@click.option("--batch-size", type=click.IntRange(1), default=10_000, show_default=True,
              metavar="N", help="Rows that each thread holds at once.")  # fmt: skip
@click.option("--start-date", type=click.DateTime(["%Y-%m-%d"]), default="2025-01-01",
              show_default=True, metavar="DATE")  # fmt: skip
@click.option("--output-dir", type=FOLDER, required=True, metavar="DIR")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N")
@click.option("--force", is_flag=True, help="Make again what is there already.")
def metrics(
    days: int, logs_per_day: int, threads: int, batch_size: int, start_date: datetime,
    output_dir: Path, seed: int, force: bool,
) -> None:  # fmt: skip
    """Make a CSV a day for `logpond aggregate`: timestamp, user, app, nine metrics; no header.

    A day has the same bytes for the same seed and --logs-per-day, whatever the threads and
    batches. Days that are there are left; a folder made with other ones is refused.

    \b
      logpond files metrics --output-dir data/metrics
      logpond files metrics --days 7 --logs-per-day 1000000 --threads 2 --output-dir /tmp/week
    """
    from producer.files import make
    from producer.files.metrics import Order

    order = Order(seed, start_date.replace(tzinfo=UTC).date(), days, logs_per_day, batch_size)
    make.prepare(output_dir, order.facts(), force)
    wanted = order.files(output_dir)
    make.told(wanted, make.missing(wanted, force), threads, output_dir)
