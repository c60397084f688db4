"""The command `aggregate`: sums of metrics by period, user and app."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.errors import SettingsError
from lakehouse.runtime import rights
from lakehouse.terminal.options import with_places

if TYPE_CHECKING:
    from batch.jobs.aggregate.job import Options, Source
    from lakehouse.paths import Places

INPUT, RESULT = Path("csv_logs"), Path("results/result.csv")
HELP = """Sum metrics by period, user and app, out of a file a day or the lake, into a CSV.

Files are DIR/YYYY-MM-DD.log.csv without a header: timestamp,user,app,metric_1..metric_9, a time
`YYYY-MM-DD HH:MM:SS`, two names, nine whole numbers. The result has a row for each period and
each user, app, or pair of both, with the nine sums, in order.

\b
  logpond files metrics
  logpond aggregate
  logpond aggregate --granularity 1day --dimensions user --output by-user.csv
  logpond aggregate --input data/metrics --from-datetime 2025-01-01 --to-datetime 2025-02-01 \\
      --user user1,user2 --app youtube --output january.csv
The half hours of the lake's table `usage`, open ones included, by its own measures:
  logpond aggregate --source lake --granularity 1day --dimensions user

--from-datetime is the first instant that counts. --to-datetime ends the range: a date or a whole
half hour is left out, any other time counts as precisely as it is written. January is 2025-01-01
to 2025-02-01, or to "2025-01-31 23:59:59", whose last second counts. Times are UTC. Files are
chosen by their names, and others are not opened; in a file each row counts by its own time,
wherever it stands. Of the lake, a half hour that begins in the range counts in full.

A line that is not as described does not count: it is counted, by its reason, and the first few
are named. CRLF, a last line without an end and a BOM at the head of a file are no fault. Sums are
exact, beyond 64 bits too. An existing result is never written over: result.csv, then
result_1.csv, ...

\b
  exit 0  the result is there
       1  it is there, and with --strict: some line did not count
       2  a flag does not fit, or there is no file of these days
"""


def _folder() -> click.Path:
    return click.Path(file_okay=False, path_type=Path)


OPTIONS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--from-datetime", "since"), {"metavar": "TIME", "help": "[the first file's]"}),
    (("--to-datetime", "until"), {"metavar": "TIME", "help": "[the last file's]"}),
    (
        ("--granularity",),
        {"type": click.Choice(["30m", "1day"]), "default": "30m", "show_default": True},
    ),
    (
        ("--dimensions",),
        {
            "type": click.Choice(["user", "app", "user,app"]),
            "default": "user,app",
            "show_default": True,
        },
    ),
    (("--user", "users"), {"metavar": "A,B", "help": "Only these users."}),
    (("--app", "apps"), {"metavar": "X,Y", "help": "Only these apps."}),
    (("--threads",), {"type": click.IntRange(1, 256), "metavar": "N", "help": "[all cores]"}),
    (
        ("--source",),
        {"type": click.Choice(["files", "lake"]), "default": "files", "show_default": True},
    ),
    (("--input", "folder"), {"type": _folder(), "metavar": "DIR", "help": "Files.  [csv_logs]"}),
    (
        ("--output",),
        {
            "type": click.Path(dir_okay=False, path_type=Path),
            "default": RESULT,
            "metavar": "FILE",
            "show_default": True,
        },
    ),
    (("--strict",), {"is_flag": True, "help": "Exit with 1 if a line does not count."}),
    (("--dry-run",), {"is_flag": True, "help": "Say what would be read, and end."}),
    (
        ("--format", "how"),
        {"type": click.Choice(["table", "json"]), "default": "table", "show_default": True},
    ),
]


def _options(command: Any) -> Any:
    """All flags, in the order of the help."""
    for names, facts in reversed(OPTIONS):
        command = click.option(*names, **facts)(command)
    return command


@click.command(help=HELP)
@_options
@with_places
@rights.as_user()
def aggregate(places: Places, **flags: Any) -> None:
    """Sum metrics by period, user and app."""
    from batch.jobs.aggregate import render
    from batch.jobs.performance import Performance

    options, performance = _options_of(flags), Performance()
    sums = _of_lake(places, flags) if flags["source"] == "lake" else _of_files(flags, options)
    if flags["dry_run"]:
        render.render_plan(options, sums, flags["how"], sys.stdout)
        return
    with _progress(sums.bytes) as bar:
        summary = sums.into(options, performance, bar.update)
    render.render_summary(summary, performance, flags["how"], sys.stdout)
    if flags["strict"] and summary.tally.malformed:
        raise SystemExit(1)


def _options_of(flags: dict[str, Any]) -> Options:
    from batch.jobs.aggregate.job import Options
    from batch.jobs.aggregate.question import question
    from batch.jobs.tree import usable_cores

    names = ("since", "until", "granularity", "dimensions", "users", "apps")
    threads = flags["threads"] or usable_cores()
    return Options(
        question(datetime.now(UTC), **{name: flags[name] for name in names}),
        threads,
        flags["output"],
    )


def _of_files(flags: dict[str, Any], options: Options) -> Source:
    from batch.jobs.aggregate.days import days
    from batch.jobs.aggregate.job import Files

    folder = flags["folder"] or INPUT
    if flags["folder"] is None and not folder.is_dir():
        raise SettingsError(
            f"no --input is given, and there is no folder {folder} here",
            "`logpond files metrics` makes one; or name a folder, or --source lake",
        )
    return Files(days(folder, options.asked))


def _of_lake(places: Places, flags: dict[str, Any]) -> Source:
    from batch.jobs.aggregate.lake import Lake

    if flags["folder"] is not None:
        raise SettingsError("--input is given with --source lake", "give one of them")
    return Lake(places)


def _progress(size: int) -> Any:
    """A bar of bytes on a terminal; nothing elsewhere."""
    return click.progressbar(
        length=size, label="read", file=sys.stderr, hidden=not sys.stderr.isatty()
    )
