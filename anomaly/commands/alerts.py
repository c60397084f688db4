"""Commands about alerts: mute, unmute, alerts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.response.mutes import Mute
    from lakehouse.settings import Settings

COLUMNS = ("key", "since", "until", "why")
COUNTS = ("waiting", "sent", "refused", "dropped", "old")


@click.command()
@click.argument("key", nargs=-1)
@click.option(
    "--for", "length", metavar="TIME", default="2h", show_default=True, help="30m, 2h, 3d."
)
@click.option("--why", default="", help="What others should know of it.")
@with_places
@FORMAT
def mute(key: tuple[str, ...], length: str, why: str, places: Places, how: str) -> None:
    """Send no alerts about a key for a while; without KEY, list what is muted.

    KEY is as incidents show it: a service, `service endpoint`, an address, or `global` for all
    traffic. Its parts are muted too: the endpoints of a service, but no address. Incidents are
    still found and kept, and are marked as muted. A mute ends by itself.

    \b
      logpond mute shop --for 2h --why "deployment"
      logpond mute shop /cart --for 30m
      logpond mute 203.0.113.9 --for 3d
      logpond mute
    """
    from lakehouse.response.mutes import Mute, Mutes, key_of
    from lakehouse.terminal.times import later

    now, mutes = datetime.now(UTC), Mutes(places)
    if not key:
        _show(mutes.now(now), how)
        return
    one = Mute(key_of(" ".join(key)), now, later(length, now, "--for"), why)
    mutes.add(one)
    echo(f"{render.escaped(one.key)} is muted until {one.until:%Y-%m-%d %H:%M:%S}Z")
    if not _is_known(places, one):
        echo("note: no incident has been of this key so far", err=True)


@click.command()
@click.argument("key", nargs=-1, required=True)
@with_places
def unmute(key: tuple[str, ...], places: Places) -> None:
    """Send alerts about a key again.

    \b
      logpond unmute shop /cart
    """
    from lakehouse.errors import SettingsError
    from lakehouse.response.mutes import Mutes, key_of

    name = key_of(" ".join(key))
    if not Mutes(places).remove(name):
        raise SettingsError(f"{render.escaped(name)} is not muted", "`logpond mute` lists what is")
    echo(f"{render.escaped(name)} is not muted any more")


@click.command()
@click.argument("action", required=False, metavar="[test", type=click.Choice(["test"]))
@click.argument("receiver", required=False, metavar="RECEIVER]")
@with_settings
@FORMAT
def alerts(settings: Settings, action: str | None, receiver: str | None, how: str) -> None:
    """How many alerts wait for each receiver, were sent, refused, dropped, or too old to be sent.

    `test` sends one to a receiver now that means nothing. docs/receivers.md says how to name one.

    \b
      logpond alerts
      logpond alerts test slack
      LOGPOND_WEBHOOK_URL=https://example.org/hook logpond alerts test webhook
    """
    from anomaly.alerts.alerts import send_test
    from anomaly.alerts.outbox import Outbox
    from anomaly.alerts.receivers import receivers_of

    if action:
        if receiver is None:
            raise click.UsageError("name a receiver: logpond alerts test RECEIVER")
        send_test(settings, receiver)
        echo(f"the receiver {receiver} took it")
        return
    places, most = Places.of(settings), settings.webhook.waiting_most
    rows = list[dict[str, object]]()
    for name, one in receivers_of(settings).items():
        counts = Outbox.counts_of(places, name, most)
        rows.append({"receiver": name, "kind": one.kind, **counts})
    if not rows:
        echo("there is no receiver: docs/receivers.md says how to name one", err=True)
    render.show(render.Rows.of_dicts(rows, ["receiver", "kind", *COUNTS]), how, sys.stdout)


def _is_known(places: Places, one: Mute) -> bool:
    """Whether there ever was an incident of this key or of a part of it."""
    from anomaly.lake.incidents import incidents_if_any

    return any(one.covers(incident) for incident in incidents_if_any(places))


def _show(mutes: list[Mute], how: str) -> None:
    rows = [[getattr(one, name) for name in COLUMNS] for one in mutes]
    times = dict.fromkeys(("since", "until"), HUMANE["time"])
    render.show(render.Rows(COLUMNS, rows), how, sys.stdout, times)
