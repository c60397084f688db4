"""`logpond files`: files of logs for the file jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
UNITS = {"": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000}


START = click.option(
    "--start-date",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2025-01-01",
    show_default=True,
    metavar="DATE",
)


def with_place(folder: str) -> Callable[[Any], Any]:
    """Returns the options that every command here has: folder, seed, whether to make all anew."""
    place: Any = {"type": FOLDER, "default": folder, "show_default": True, "metavar": "DIR"}

    def decorated(command: Any) -> Any:
        for option in (
            click.option("--force", is_flag=True, help="Make again what is there already."),
            click.option(
                "--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N"
            ),
            click.option("--output-dir", **place),
        ):
            command = option(command)
        return command

    return decorated


@click.group()
def files() -> None:
    """Make files of logs for the file jobs: seeded, and only what is missing.

    \b
      logpond files metrics --days 90
      logpond files services --hours 24 --output-dir data/services
      logpond files web-logs --hours 2 && logpond discover web_logs
    """


@files.command()
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, metavar="N")
@click.option(
    "--logs-per-day", type=click.IntRange(1), default=50_000, show_default=True, metavar="N"
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True, metavar="N")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Rows that each thread holds at once.",
)
@START
@with_place("./csv_logs")
def metrics(
    days: int,
    logs_per_day: int,
    threads: int,
    batch_size: int,
    start_date: datetime,
    output_dir: Path,
    seed: int,
    force: bool,
) -> None:
    """Make a CSV a day for `logpond aggregate`: timestamp, user, app, nine metrics; no header.

    A day has the same bytes for the same seed and --logs-per-day, whatever the threads and
    batches. Days that are there are left; a folder made with other ones is refused.

    \b
      logpond files metrics && logpond aggregate
      logpond files metrics --days 7 --logs-per-day 1000000 --threads 2 --output-dir /tmp/week
    """
    from producer.datasets import make
    from producer.datasets.metrics import Spec

    spec = Spec(seed, start_date.replace(tzinfo=UTC).date(), days, logs_per_day, batch_size)
    make.prepare(output_dir, spec.facts(), force)
    wanted = spec.files(output_dir)
    make.make_and_report(wanted, make.missing(wanted, force), threads, output_dir)


@files.command()
@click.option("--services", type=click.IntRange(1, 1000), default=6, show_default=True, metavar="N")
@click.option(
    "--environments",
    default="prod,staging",
    show_default=True,
    metavar="A,B",
    help="The first is the busiest.",
)
@click.option("--hours", type=click.IntRange(1), default=24, show_default=True, metavar="H")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    metavar="R",
    help="Requests a second of all services together.",
)
@click.option(
    "--spikes",
    type=click.IntRange(0),
    default=6,
    show_default=True,
    metavar="K",
    help="Minutes in which a service is slow.",
)
@click.option(
    "--malformed",
    type=click.FloatRange(0, 1),
    default=0.001,
    show_default=True,
    metavar="SHARE",
    help="Of all lines.",
)
@START
@with_place("data/services")
def services(start_date: datetime, output_dir: Path, force: bool, **flags: Any) -> None:
    """Make JSON lines for `logpond service-metrics`, in folders by service and environment.

    A file an hour: service=search/environment=prod/2025-01-01T00.ndjson; _truth/spikes.json says
    which spikes are in them. Files that are there are left; a folder of other flags is refused.

    \b
      logpond files services
      logpond files services --services 40 --rate 200 --spikes 20 --output-dir /tmp/many
    """
    from producer.datasets import make
    from producer.datasets.services import TRUTH, Spec, truth
    from producer.traffic.clock import micros_of

    spec = Spec(start=micros_of(start_date.replace(tzinfo=UTC)), **_listed(flags))
    make.prepare(output_dir / TRUTH, spec.facts(), force)
    make.whole(output_dir / TRUTH / "spikes.json", lambda part: truth(spec, part))
    wanted = spec.files(output_dir)
    make.make_and_report(wanted, make.missing(wanted, force), 1, output_dir)


@files.command("watch-time")
@click.option("--files", "count", type=click.IntRange(1), default=4, show_default=True, metavar="N")
@click.option(
    "--size", default="5MB", show_default=True, metavar="SIZE", help="Of each: 100MB, 1GB."
)
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, metavar="N")
@with_place("data/watch-time")
def watch_time(
    count: int, size: str, threads: int, output_dir: Path, seed: int, force: bool
) -> None:
    """Make CSV files of views for `logpond watch-time`: log_id, user_id, ip, timestamp, minutes.

    Of fifty rows one is in the same file before and one in an earlier file; some have faults.
    _truth.json says how many, _truth/*.parquet what each user has watched. More files of the same
    size and seed leave those that are there as they are.

    \b
      logpond files watch-time
      logpond files watch-time --files 20 --size 1GB --seed 7 --output-dir /data/views
    """
    from producer.datasets import make
    from producer.datasets.watch_time import Spec, note

    spec = Spec(seed, _bytes(size))
    make.prepare(output_dir, spec.facts(), force)
    wanted = spec.files(output_dir, count)
    note(spec, output_dir, count)
    make.make_and_report(wanted, make.missing(wanted, force), threads, output_dir)


@files.command("web-logs")
@click.option("--hours", type=click.IntRange(1), default=24, show_default=True, metavar="H")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="R",
    help="Requests a second.",
)
@START
@with_place("./web_logs")
def web_logs(
    hours: int, rate: float, start_date: datetime, output_dir: Path, seed: int, force: bool
) -> None:
    """Make web logs of a shop as CSV, a file an hour, with the columns of an event as header.

    `logpond discover` and `logpond import` take them as they are. An hour has the same bytes for
    the same seed and --rate. Files that are there are left; a folder of other flags is refused.

    \b
      logpond files web-logs
      logpond import web_logs
      logpond files web-logs --hours 2 --rate 50 --output-dir /tmp/logs
    """
    from producer.datasets import make
    from producer.datasets.web_logs import Spec
    from producer.traffic.clock import micros_of

    spec = Spec(seed, micros_of(start_date.replace(tzinfo=UTC)), hours, rate)
    make.prepare(output_dir / "_order", spec.facts(), force)
    wanted = spec.files(output_dir)
    make.make_and_report(wanted, make.missing(wanted, force), 1, output_dir)


def _bytes(text: str) -> int:
    """Parses a size such as 1GB into bytes."""
    import re

    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMG]?)B?", text.strip())
    if not found or not (size := int(float(found[1]) * UNITS[found[2]])):
        raise click.BadParameter("write it as 500kB, 100MB, 1.5GB", param_hint="--size")
    return size


def _listed(flags: dict[str, Any]) -> dict[str, Any]:
    """Returns the flags with the environments as a tuple of names, which become folders."""
    import re

    names = tuple(dict.fromkeys(flags["environments"].split(",")))
    if not all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name) for name in names):
        raise click.BadParameter("names of small letters, digits and -", param_hint="environments")
    return {**flags, "environments": names}
