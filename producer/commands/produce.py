"""`logpond produce`: makes the options of a run from flags, and runs it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.terminal import times
from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.program import stopped_by_signals
from lakehouse.terminal.render import echo
from producer.traffic.scenarios import INCIDENTS

if TYPE_CHECKING:
    from lakehouse.settings import Settings
    from producer.job import IncidentSpec

RATE = 500.0
HELP = """Send log events to Kafka: synthetic traffic, incidents, or a real access log.

\b
  500 events a second, until Ctrl-C:
    logpond produce
  Two hours of history first, then 2,000 a second for five minutes:
    logpond produce --backfill 2h --rate 2000 --duration 5m
  Two minutes after the first live event, five minutes of errors; its truth goes to --labels:
    logpond produce --duration 10m --incident error-burst@+120s:300s
  As fast as possible, the same bytes for the same seed and clock:
    logpond produce --rate 0 --duration 60 --seed 7
  Beside the requests a line of an application for every twentieth of them:
    logpond produce --app-lines 0.05
  A real log, as fast as possible, with the times it has:
    logpond produce --replay access.log.gz
  The same as if it happened right now, line by line, ten times as fast:
    logpond produce --replay access.log.gz --shift-to-now --speed 10

{incidents}
--rate is the rate at which live traffic starts; from there it follows the shop's day and week
(a run of minutes stays at it; nights are at about a third of the evenings), and backfill follows
it back in time. --malformed, --duplicates and --late are shares of all events.

Every record is acknowledged by all in-sync replicas, or kept: what is not acked when the run ends
(a stop waits 10 s) lies in --spool and is sent first at the next start. The last line has the
exact totals: acked + failed + unsent is all that was taken.

\b
  exit 0  everything was acked
       2  a flag does not fit
       5  Kafka cannot be reached, or the topic does not exist
       6  unsent records were kept on disk
       7  Kafka refused records for good (too large); they were kept in refused-*.ndjson
"""


def _help() -> str:
    names = [f"  {name:<14} {play.__doc__}" for name, play in INCIDENTS.items()]
    return HELP.format(incidents="\n".join(["\b", "Incidents:", *names, ""]))


def _options(command: Any) -> Any:
    """Adds all flags of `produce`, in the order of its help."""
    for names, facts in reversed(OPTIONS):
        command = click.option(*names, **facts)(command)
    return command


def _file(exists: bool = False) -> click.Path:
    return click.Path(dir_okay=False, exists=exists, path_type=Path)


OPTIONS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (
        ("--rate",),
        {
            "type": click.FloatRange(0),
            "metavar": "N",
            "help": "Events a second; 0: as fast as possible.  [500]",
        },
    ),
    (("--duration",), {"metavar": "TIME", "help": "90, 5m, 2h from the first live event.  [none]"}),
    (("--seed",), {"type": int, "metavar": "K", "help": "Choose the traffic.  [new each time]"}),
    (("--backfill",), {"metavar": "TIME", "help": "Send this much earlier event time first."}),
    (
        ("--incident", "incidents"),
        {
            "multiple": True,
            "metavar": "NAME@+START:LENGTH",
            "help": "Stage an incident; repeatable.",
        },
    ),
    (("--malformed",), {"type": float, "default": 0.01, "show_default": True}),
    (("--duplicates",), {"type": float, "default": 0.01, "show_default": True}),
    (
        ("--late",),
        {"type": float, "default": 0.02, "show_default": True, "help": "Late by 1 to 30 minutes."},
    ),
    (
        ("--app-lines",),
        {
            "type": click.FloatRange(0, 1),
            "default": 0.0,
            "metavar": "SHARE",
            "help": "So many lines of two applications for each request, to the topic of "
            "kafka.app_topic.  [0]",
        },
    ),
    (
        ("--most-lag",),
        {
            "type": click.IntRange(0),
            "default": 0,
            "metavar": "N",
            "help": "During --backfill: wait while ingest of this lake is N records behind. "
            "0: do not.  [0]",
        },
    ),
    (("--labels",), {"type": _file(), "help": "The truth.  [<lake>/_state/labels.ndjson]"}),
    (
        ("--spool",),
        {
            "type": click.Path(file_okay=False, path_type=Path),
            "help": "Unsent records.  [<lake>/_state/unsent/<topic>]",
        },
    ),
    (
        ("--replay",),
        {
            "type": _file(exists=True),
            "help": "Access log, plain or .gz. Alone: no "
            "synthetic traffic; with --rate, --backfill or --incident that follows.",
        },
    ),
    (("--service",), {"default": "web", "show_default": True, "help": "Service of the replay."}),
    (("--shift-to-now",), {"is_flag": True, "help": "Move the replay's times to end now."}),
    (
        ("--speed",),
        {
            "type": click.FloatRange(0),
            "default": 0.0,
            "metavar": "X",
            "help": "Replay X times as fast as it was; 0: as fast as possible.  [0]",
        },
    ),
    (
        ("--format", "form"),
        {
            "type": click.Choice(["text", "json"]),
            "default": "text",
            "help": "JSON: one object a second.",
        },
    ),
]


@click.command(help=_help())
@setting("--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka.  [kafka.bootstrap]")
@setting("--topic", "kafka_topic", help="Topic.  [kafka.topic]")
@_options
@with_settings
def produce(settings: Settings, **flags: Any) -> None:
    """Send log events to Kafka."""
    from producer.job import Run

    options = options_of(settings, flags)
    run = Run(options, stopped_by_signals(), echo, lambda line: echo(line, err=True))
    raise SystemExit(run())


def options_of(settings: Settings, flags: dict[str, Any]) -> Any:
    """Returns the options of a run by the flags and the settings."""
    from lakehouse.runtime.kafka_connection import Connection
    from producer.hold import of_ingest
    from producer.job import Options, Replay
    from producer.replay import LogFile

    topic, places = settings.kafka.topic, Places.of(settings)
    replay = flags["replay"] and Replay(
        LogFile(flags["replay"], flags["service"]), flags["shift_to_now"], flags["speed"]
    )
    connection, lines = Connection.of(settings.kafka), _lines(settings, flags, places)
    wanted = not replay or any(flags[name] for name in ("backfill", "incidents"))
    return Options(
        connection=connection,
        topic=topic,
        spool=flags["spool"] or places.unsent(topic),
        duration=_micros(flags["duration"], "--duration") if flags["duration"] else None,
        as_json=flags["form"] == "json",
        synthetic=_synthetic(flags, places) if wanted or flags["rate"] is not None else None,
        replay=replay,
        lines=lines,
        hold=of_ingest(
            flags["most_lag"], places, connection, [topic, *([lines.topic] if lines else [])]
        ),
    )


def _lines(settings: Settings, flags: dict[str, Any], places: Places) -> Any:
    from producer.job import Lines

    topic = settings.kafka.app_topic
    folder = flags["spool"] / topic if flags["spool"] else places.unsent(topic)
    return Lines(topic, folder, flags["app_lines"]) if flags["app_lines"] else None


def _synthetic(flags: dict[str, Any], places: Places) -> Any:
    import secrets

    from producer.job import Synthetic
    from producer.traffic.faults import Shares

    return Synthetic(
        seed=secrets.randbelow(1 << 31) if flags["seed"] is None else flags["seed"],
        rate=RATE if flags["rate"] is None else flags["rate"],
        backfill=_micros(flags["backfill"] or "0", "--backfill"),
        shares=Shares(flags["malformed"], flags["duplicates"], flags["late"]),
        incidents=tuple(incident_spec(text, sorted(INCIDENTS)) for text in flags["incidents"]),
        labels=flags["labels"] or places.labels,
    )


def incident_spec(text: str, known: list[str]) -> IncidentSpec:
    """Parses NAME@+START:LENGTH. Raises SettingsError for another form, or for no length."""
    from producer.job import IncidentSpec

    found = re.fullmatch(r"([\w-]+)@\+([^:]+):([^:]+)", text)
    with suppress(SettingsError):
        if found and found[1] in known and (length := _micros(found[3], "LENGTH")):
            return IncidentSpec(found[1], _micros(found[2], "START"), length)
    raise SettingsError(
        f"not an incident: {text!r}",
        f"write NAME@+START:LENGTH, such as {known[0]}@+120s:300s; names: {', '.join(known)}",
    )


def _micros(text: str, flag: str) -> int:
    """Parses a length of time to microseconds."""
    return times.length(text, flag) // timedelta(microseconds=1)
