"""The command by which people say what they do about an incident: incident."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lakehouse.paths import Places
from lakehouse.runtime import rights
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_places
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.response.action import Action

COLUMNS = ("at", "kind", "who", "until", "text")
Command = Callable[..., Any]


@click.group()
def incident() -> None:
    """Acknowledge, mute, comment or resolve an incident, or show what was done about it.

    ID is as `logpond anomalies` shows it; its first digits are enough. Who did what and when is
    kept in the lake, and is part of the next message about the incident.

    \b
      logpond incident ack 4f1c --text "it is the deployment, I am on it"
      logpond incident comment 4f1c "rolled back"
      logpond incident mute 4f1c --for 2h --why "noisy until the index is built"
      logpond incident resolve 4f1c
      logpond incident show 4f1c --format json
    """


def acting(command: Command) -> Command:
    """Adds what each action takes: the incident, who does it, the lake, the format."""
    by = click.option("--by", default="", metavar="NAME", help="Who does it.  [you]")
    return click.argument("incident_id", metavar="ID")(by(FORMAT(with_places(command))))


TEXT = click.option("--text", default="", help="A comment with it.")


@incident.command()
@TEXT
@acting
def ack(incident_id: str, text: str, by: str, how: str, places: Places) -> None:
    """Say that you look after it. Receivers do not get it again while it is only still open."""
    _act(places, incident_id, how, "acknowledged", by, text)


@incident.command()
@click.option("--for", "length", metavar="TIME", default="2h", show_default=True, help="30m, 3d.")
@click.option("--why", default="", help="What others should know of it.")
@acting
def mute(incident_id: str, length: str, why: str, by: str, how: str, places: Places) -> None:
    """Send no alerts about its key for a while, as `logpond mute KEY` does."""
    from lakehouse.terminal.times import later

    until = later(length, datetime.now(UTC), "--for")
    _act(places, incident_id, how, "muted", by, why, until)


@incident.command()
@acting
@click.argument("text", nargs=-1, required=True)
def comment(incident_id: str, text: tuple[str, ...], by: str, how: str, places: Places) -> None:
    """Say something about it; the next message about it has that."""
    _act(places, incident_id, how, "commented", by, " ".join(text))


@incident.command()
@TEXT
@acting
def resolve(incident_id: str, text: str, by: str, how: str, places: Places) -> None:
    """Say that it is over; who was told of it hears that.

    It is open again where it becomes worse, or goes on for half an hour after.
    """
    _act(places, incident_id, how, "resolved", by, text)


@incident.command()
@click.argument("incident_id", metavar="ID")
@FORMAT
@with_places
def show(incident_id: str, how: str, places: Places) -> None:
    """List what was done about an incident, the first first."""
    from anomaly.lake.incidents import incident_named
    from lakehouse.response.respond import history

    _show(history(places, incident_named(places, incident_id).incident_id), how)


def _act(
    places: Places,
    incident_id: str,
    how: str,
    kind: str,
    by: str,
    text: str,
    until: datetime | None = None,
) -> None:
    from anomaly.lake.incidents import incident_named
    from lakehouse.response.action import action
    from lakehouse.response.respond import respond

    one = incident_named(places, incident_id)
    done = respond(
        places, one, action(kind, by or rights.own_user(), datetime.now(UTC), text, until)
    )
    if how != "table":
        _show([done], how)
        return
    echo(render.escaped(f"{one.incident_id} ({one.key}) is {done.line}"))


def _show(done: Sequence[Action], how: str) -> None:
    rows = [[getattr(one, name) for name in COLUMNS] for one in done]
    times = {"at": HUMANE["time"], "until": lambda at: HUMANE["time"](at) if at else ""}
    render.show(render.Rows(COLUMNS, rows), how, sys.stdout, times)
