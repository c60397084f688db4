"""`logpond doctor`: checks of this machine and this lake, each a function of the settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields

import click

from cli.checks import connections, lake, machine
from cli.checks.check import Check
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.settings import Settings
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, LAKE, given, setting
from lakehouse.terminal.render import echo

CHECKS: dict[str, Callable[[Settings, Places], Check]] = {
    **machine.CHECKS,
    **connections.CHECKS,
    **lake.CHECKS,
}
COLUMNS = [of.name for of in fields(Check)]


@click.command()
@setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]"
)
@FORMAT
@LAKE
def doctor(how: str) -> None:
    """Check Java, jars, packages, ports, disk, memory, Kafka, registry, bucket, checkpoints, lake.

    \b
    ok    as it should be
    note  works, but worth knowing
    bad   a start would fail or stop: the last column says what to do

    \b
    exit 0  nothing is bad     1  something is

    \b
      logpond doctor
      logpond doctor --lake /data/lake --bootstrap kafka:9092 --format json
    """
    found = [asdict(check) for check in checked()]
    render.show(render.Rows.of_dicts(found, COLUMNS), how, sys.stdout)
    bad = sum(check["state"] == "bad" for check in found)
    if how == "table":
        echo(f"\n{bad} of {len(found)} are bad" if bad else "\nall is well", err=True)
    sys.exit(1 if bad else 0)


def checked() -> Iterator[Check]:
    """Yields every check; if the settings are invalid, only that."""
    try:
        settings = given()
    except LogpondError as error:
        yield Check("settings", "bad", error.what, error.remedy)
        return
    for name, look in CHECKS.items():
        try:
            yield look(settings, Places.of(settings))
        except LogpondError as error:
            yield Check(name, "bad", error.what, error.remedy)
