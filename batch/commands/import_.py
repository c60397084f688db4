"""The command by which log files come into the lake: import."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from batch.imports.run import Run, Wanted
    from lakehouse.settings import Settings


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD[:UNIT]", help="By name or key.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="For every record.")
@click.option("--utc", is_flag=True, help="The same as --zone UTC, the default.")
@click.option("--zone", default="", metavar="NAME", help="Of times without one. [UTC]")
@click.option("--input", "of", default="", metavar="FORMAT", help="What files are, if you know.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Of that format.")
@click.option("--replace", is_flag=True, help="Let a changed file take the place of its old rows.")
@click.option("--again", is_flag=True, help="Replace also what did not change (after a restore).")
@click.option("--no-raw", is_flag=True, help="Keep no copy of the file in the lake.")
@click.option("--no-reconcile", is_flag=True, help="Leave windows to `logpond reconcile`.")
@click.option("--no-judge", is_flag=True, help="Leave the search for incidents to `analyze`.")
@click.option("--dry-run", is_flag=True, help="Read all of it, write nothing, say what would be.")
@FORMAT
@with_settings
def import_(
    paths: tuple[str, ...],
    maps: tuple[str, ...],
    sets: tuple[str, ...],
    utc: bool,
    zone: str,
    of: str,
    options: tuple[str, ...],
    replace: bool,
    again: bool,
    no_raw: bool,
    no_reconcile: bool,
    no_judge: bool,
    dry_run: bool,
    how: str,
    settings: Settings,
) -> None:
    """Bring log files into the lake, of any format that is known, plain or gzip.

    PATH is a file, a folder or a glob. Records pass the same checks as those from Kafka: good ones
    go to `logs`, others to `quarantine`, with `_topic` file:<sha256>, `_offset` the number of the
    record, and the line in `detail`. `logpond discover` shows what a file would be read as.

    \b
    once       what is in changes nothing, by whatever name, packed or not; killed, run it again
    changed    another content under a known path is refused, or takes its place with --replace
    raw zone   <lake>/_raw/ keeps a copy of the file, and a manifest of what came of it
    windows    those that it touches are counted again
    incidents  what came is judged as `logpond analyze` does, and nobody is called for the past
    formats    told by the first lines, or by --input: access-log, json, syslog, app, csv, ...
    service    where no record names it: the file's name (app-2026-05-01.log.gz: app), or
               --set service=NAME; `web` for access logs
    time       without a zone: UTC, or --zone NAME; without a year: by the file's own time; of a
               record without one: that of the record before it, or the next; the row says so
    unit       of a time to answer: --map duration=response_time:s (ns, us, ms, s)

    \b
    exit 0  all is in     1  a file was refused, or failed; the others are in     2  wrong flags

    \b
      logpond import access.log.gz
      logpond import logs/ --dry-run
      logpond import 'july/*.csv' --map when=timestamp --map host=ip --set service=shop
      logpond import edits.ndjson --map time=timestamp --map channel=endpoint \\
          --set service=wiki --set status_code=200 --set ip=0.0.0.0
      logpond import july.csv --replace && logpond verify
    """
    from batch.formats.paths import expand
    from batch.imports.reading import overrides_of
    from batch.imports.run import Wanted

    wanted = Wanted(
        overrides_of(maps, sets, zone or "UTC" * utc, of, options), replace, again, dry_run
    )
    files = expand(paths)
    run = _run(settings, wanted, keeps_copies=not no_raw)
    exit_code = _imported(run, files, how, None if no_reconcile else settings)
    if not (no_judge or dry_run):
        _judge(run.loader.places)
    sys.exit(exit_code)


def _run(settings: Settings, wanted: Wanted, keeps_copies: bool) -> Run:
    from batch.imports.load import Loader
    from batch.imports.run import Run
    from lakehouse.sources.limits import limits

    asked = limits(settings, is_of_files=True)
    # a copy holds what a policy keeps out of the tables
    keeps_copies = keeps_copies and not asked.privacy.policy.actions
    loader = Loader(Places.of(settings), asked, keeps_copies)
    if not wanted.dry_run:
        loader.open()
    return Run(loader, wanted)


def _imported(run: Run, files: Sequence[Path], how: str, windows: Settings | None) -> int:
    """Import, show what became of each file, count windows again; the exit code."""
    from batch.imports import render as import_render
    from lakehouse.ingest.queries import IMPORT

    places = run.loader.places
    with nullcontext(places) if run.wanted.dry_run else IMPORT.alone(places) as fenced:
        run.loader.write_under(fenced)
        with import_render.bar(sys.stderr.isatty(), len(files)) as bar:
            run.begins, run.loader.seen = bar.begins, bar.seen
            results = [*run(files)]
        render.show(import_render.rows(results, how), how, sys.stdout, import_render.HUMANE)
        for reason in import_render.reasons(results):
            echo(reason, err=True)
        if how == "table":
            echo(import_render.total(results))
        _windows(run, windows)
    return int(any(each.is_fault for each in results))


def _judge(places: Places) -> None:
    """Has judged what came of this import, and of earlier ones that died before it was."""
    from lakehouse.windows import unjudged
    from lakehouse.windows.judging import judge

    if not unjudged.noted(places):
        return
    if not judge(places, lambda line: echo(line, err=True)):
        echo("what was imported is not judged yet: `logpond analyze` does it", err=True)


def _windows(run: Run, settings: Settings | None) -> None:
    from lakehouse.windows import unjudged

    since = run.since()
    if settings and since:
        late = timedelta(minutes=settings.windows.watermark_minutes)
        days = [*run.windows(late)]
        count = sum(len(day.to_count) for day in days)
        echo(f"windows from {since} on are right: {count:,} counted again", err=True)
    elif since:
        echo(f"`logpond reconcile --since {since}` counts its windows again", err=True)
    if since:
        unjudged.note(run.loader.places)
    run.forget()
