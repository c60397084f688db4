"""`logpond doctor`: what this machine and this lake lack, and what to do about each."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from lakehouse.terminal.options import FORMAT, LAKE


@click.command()
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]")
@FORMAT
@LAKE
def doctor(bootstrap: str | None, how: str, lake: str | None) -> None:
    """Check Java, jars, packages, ports, disk, memory, Kafka, checkpoints and lake.

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
    from cli.doctor.checks import COLUMNS, checked
    from lakehouse.terminal import render

    found = [asdict(check) for check in checked(lake, bootstrap)]
    render.show(render.Rows.of_dicts(found, COLUMNS), how, sys.stdout)
    bad = sum(check["state"] == "bad" for check in found)
    if how == "table":
        click.echo(f"\n{bad} of {len(found)} are bad" if bad else "\nall is well", err=True)
    sys.exit(1 if bad else 0)
