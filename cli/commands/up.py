"""`logpond up`: everything on this machine with one command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.terminal.options import given, setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from cli.stack.screen import Status
    from cli.stack.stack import Outcome, Setup
    from lakehouse.proof.verdict import Verdict
    from lakehouse.settings import Settings

FAULT, INTERRUPTED = 1, 130


@click.command(context_settings={"max_content_width": 100})
@click.option("--duration", metavar="TIME", help="90, 5m, 2h of live traffic.  [until Ctrl-C]")
@click.option("--rate", metavar="N", help="Events a second; 0: as fast as possible.  [500]")
@click.option("--backfill", metavar="TIME", help="Send this much earlier event time first.")
@click.option("--incident", multiple=True, metavar="NAME@+START:LENGTH", help="Stage an incident.")
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Access log, plain or .gz. Alone: no synthetic traffic.",
)
@setting(
    "--bootstrap",
    "kafka_bootstrap",
    expose_value=True,
    metavar="HOST:PORT",
    help="Use this Kafka, and start none.",
)
@setting("--topic", "kafka_topic", help="The topic of the requests.  [web-logs]")
@setting("--sources", "sources", metavar="FILE", help="What is read, and how.  [conf/sources.toml]")
@click.option("--web/--no-web", default=True, help="Serve the pages too.  [web]")
@click.option("--gateway/--no-gateway", default=True, help="Take records by HTTP.  [gateway]")
@click.option("--postgres/--no-postgres", default=True, help="Serve psql and the like.  [postgres]")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[-- PRODUCE OPTIONS]")
@with_settings
def up(settings: Settings, **flags: Any) -> None:
    """Run Kafka, the producer, ingest, gateway and pages here, with a live screen.

    Ctrl-C, or the end of --duration or --replay, stops it: the producer flushes, ingest takes what
    is left in Kafka, and `verify` proves that nothing is lost or repeated. A second Ctrl-C leaves
    what is in Kafka for the next start.

    \b
      logpond up --backfill 2h
      logpond up --rate 2000 --duration 5m --incident error-burst@+60s:120s
      logpond up --replay access.log.gz -- --shift-to-now
      logpond up --bootstrap kafka:9092 --lake /data/lake

    \b
    exit 0    all that was sent is in the tables, once
         1    verify found a fault, or a part failed
         2-5  settings, checkpoint, table, Kafka
         130  ended by a second Ctrl-C
    """
    from lakehouse.paths import Places

    lake = Places.of(settings).lake
    echo(f"logpond: Kafka -> Delta in {lake}")
    raise SystemExit(_run(_setup(settings, flags), lake))


def _setup(settings: Settings, flags: dict[str, Any]) -> Setup:
    """Returns what to run; every flag is checked before anything starts."""
    from cli.stack.stack import Setup
    from lakehouse.http.sockets import check_certificate
    from lakehouse.runtime import java
    from lakehouse.runtime.embedded_kafka import is_foreign

    named = flags["bootstrap"] or os.environ.get("LOGPOND_KAFKA_BOOTSTRAP")
    setup = Setup(
        settings,
        not (named or is_foreign(settings.kafka)),
        _words(flags),
        flags["web"],
        flags["gateway"],
        flags["postgres"],
    )
    if setup.page:
        check_certificate(settings.web.tls_cert, settings.web.tls_key)
    if setup.postgres:
        check_certificate(settings.postgres.tls_cert, settings.postgres.tls_key)
    if setup.gateway:
        check_certificate(settings.gateway.tls_cert, settings.gateway.tls_key)
    java.check()
    _check_words(setup.produce)
    return setup


def _words(flags: dict[str, Any]) -> list[str]:
    """Returns the flags for the command line of the producer."""
    given = {f"--{name}": flags[name] for name in ("duration", "rate", "backfill", "replay")}
    words = [word for name, value in given.items() if value for word in (name, value)]
    incidents = [word for spec in flags["incident"] for word in ("--incident", spec)]
    return [*words, *incidents, *flags["more"]]


def _check_words(words: list[str]) -> None:
    from producer.commands.produce import options_of, produce

    context = produce.make_context("logpond up", list(words))
    options_of(given(context), context.params)


def _run(setup: Setup, lake: str) -> int:
    from cli.stack.screen import Screen, Status
    from cli.stack.stack import Stack, Stops

    status = Status(lake)
    with Screen(status) as screen, Stops().listening() as stops:
        outcome = Stack(setup, screen, stops)()
    for line in summary(outcome, status):
        echo(line)
    return exit_code(outcome)


def exit_code(outcome: Outcome) -> int:
    """Returns 0 if all that was sent is proven to be there, or nothing was sent at all."""
    if outcome.verdict and not outcome.verdict.ok:
        return FAULT
    return INTERRUPTED if outcome.hurried else 0


def summary(outcome: Outcome, status: Status) -> Iterator[str]:
    """Yields what `up` prints at its end, one fact a line."""
    yield (
        f"sent      {status.acked:,} acked, {status.failed:,} refused, {status.unsent:,} unsent"
        f" in {status.elapsed}"
    )
    if kept := outcome.totals.get("kept"):
        yield f"          the unsent ones are kept in {kept}; the next start sends them"
    if outcome.left:
        yield f"waiting   {outcome.left:,} records are in Kafka; the next start takes them"
    yield from _proof(outcome.verdict) if outcome.verdict else _unproven(outcome)
    yield from _what_next(status.lake)


def _proof(verdict: Verdict) -> Iterator[str]:
    yield f"in lake   {verdict.logs:,} rows in logs, {verdict.quarantine:,} in open quarantine"
    faults = {
        "gaps": verdict.gaps,
        "duplicates": verdict.duplicates,
        "unexpected": verdict.unexpected,
        "misplaced": verdict.misplaced,
    }
    figures = ", ".join(f"{count:,} {name}" for name, count in faults.items())
    yield f"verify    {'ok' if verdict.ok else 'FAILED'}: {verdict.records:,} records, {figures}"
    yield (
        f"windows   {verdict.windows_checked:,} recounted: {verdict.windows_wrong:,} wrong, "
        f"{verdict.late_rows:,} rows came too late for {verdict.windows_late:,}"
    )
    if not verdict.ok:
        yield "          `logpond verify` shows where"


def _unproven(outcome: Outcome) -> Iterator[str]:
    yield (
        "verify    not run: stopped early" if outcome.hurried else "verify    nothing to prove yet"
    )


def _what_next(lake: str) -> Iterator[str]:
    logpond = "logpond" if shutil.which("logpond") else ".venv/bin/logpond"
    where = "" if lake == str(Path("lake").absolute()) else f" --lake {lake}"
    sql = "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
    yield f'next      {logpond} sql "{sql}"{where}'
    yield f"          {logpond} history logs{where}"
