"""`logpond up`: everything on this machine with one command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from lakehouse.terminal.options import given, setting, with_settings

if TYPE_CHECKING:
    from cli.stack.stack import Order
    from lakehouse.settings import Settings


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
@setting("--topic", "kafka_topic", help="The topic.  [web-logs]")
@click.option("--web/--no-web", default=True, help="Serve the pages too.  [web]")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[-- PRODUCE OPTIONS]")
@with_settings
def up(settings: Settings, **flags: Any) -> None:
    """Run Kafka, the producer, ingest and the pages here, with a live screen.

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
    click.echo(f"logpond: Kafka -> Delta in {lake}")
    raise SystemExit(_run(_order(settings, flags), lake))


def _order(settings: Settings, flags: dict[str, Any]) -> Order:
    """What to run; every flag is looked at before anything starts."""
    from analytics.web.base.guard import check_address
    from cli.stack.stack import Order
    from lakehouse.runtime import java
    from lakehouse.settings import Kafka

    named = flags["bootstrap"] or os.environ.get("LOGPOND_KAFKA_BOOTSTRAP")
    default = settings.kafka.bootstrap == Kafka().bootstrap
    order = Order(settings, default and not named, _words(flags), flags["web"])
    if order.page:
        check_address(settings.web.host, settings.web.token.get_secret_value())
    java.check()
    _check_words(order.produce)
    _check_place(order)
    return order


def _words(flags: dict[str, Any]) -> list[str]:
    """The flags as the producer understands them."""
    given = {f"--{name}": flags[name] for name in ("duration", "rate", "backfill", "replay")}
    words = [word for name, value in given.items() if value for word in (name, value)]
    incidents = [word for spec in flags["incident"] for word in ("--incident", spec)]
    return [*words, *incidents, *flags["more"]]


def _check_words(words: list[str]) -> None:
    from producer.commands.produce import options_of, produce

    told = produce.make_context("logpond up", list(words))
    options_of(given(told), told.params)


def _check_place(order: Order) -> None:
    from lakehouse.errors import SettingsError
    from lakehouse.paths import is_url

    if order.embedded and is_url(order.settings.lake):
        raise SettingsError(
            f"the embedded Kafka needs a folder, and the lake is at {order.settings.lake}",
            "name a Kafka with --bootstrap",
        )


def _run(order: Order, lake: str) -> int:
    from cli.stack.screen import Screen
    from cli.stack.stack import Stack
    from cli.stack.status import Status
    from cli.stack.stops import Stops
    from cli.stack.summary import exit_code, lines

    status = Status(lake)
    with Screen(status) as screen, Stops().listening() as stops:
        outcome = Stack(order, screen, stops)()
    for line in lines(outcome, status):
        click.echo(line)
    return exit_code(outcome)
