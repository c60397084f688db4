"""`logpond doctor`: checks of this machine and this lake, each a function of the settings."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import click

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.paths import Places, is_url
from lakehouse.settings import Settings
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, LAKE, given, setting
from lakehouse.terminal.render import echo

State = Literal["ok", "note", "bad"]
FREE_BYTES, LEAST_BYTES = 5 * 10**9, 10**9
BESIDE_SPARK = 700 << 20
MANY_SMALL_FILES = 1_000
PIN = re.compile(r"([\w-]+)==([^\s;]+)")


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, what was seen, and what to do."""

    check: str
    state: State
    found: str
    remedy: str = ""


COLUMNS = [of.name for of in fields(Check)]


@click.command()
@setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]"
)
@FORMAT
@LAKE
def doctor(how: str) -> None:
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
    found = [asdict(check) for check in checked()]
    render.show(render.Rows.of_dicts(found, COLUMNS), how, sys.stdout)
    bad = sum(check["state"] == "bad" for check in found)
    if how == "table":
        echo(f"\n{bad} of {len(found)} are bad" if bad else "\nall is well", err=True)
    sys.exit(1 if bad else 0)


def checked() -> Iterator[Check]:
    """Every check; where the settings do not fit, that alone."""
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


def _java(_settings: Settings, _places: Places) -> Check:
    from lakehouse.runtime import java

    return Check("java", "ok", java.check())


def _jars(_settings: Settings, _places: Places) -> Check:
    from lakehouse.runtime import jars

    spark, where = jars.spark_jars(), jars.folder()
    if not jars.has_broker():
        return Check(
            "jars",
            "note",
            f"{len(spark)} as locked in {where}; none of a broker",
            "`logpond up` wants them: `make setup`",
        )
    return Check("jars", "ok", f"{len(spark) + len(jars.broker_jars())} as locked in {where}")


def _packages(_settings: Settings, _places: Places) -> Check:
    """What is installed against what pyproject pins."""
    from importlib import metadata

    pins = [line for line in metadata.requires("logpond") or [] if "extra" not in line]
    wanted = {found[1]: found[2] for pin in pins if (found := PIN.match(pin))}
    off = [
        f"{name} {_version(name) or 'is missing'}, not {pin}"
        for name, pin in wanted.items()
        if _version(name) != pin
    ]
    python = f"Python {platform.python_version()}, {len(wanted)} packages"
    if off:
        return Check("packages", "bad", f"{python}: {'; '.join(off)}", "run `make setup`")
    return Check("packages", "ok", f"{python} as pinned")


def _version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ports(settings: Settings, _places: Places) -> Check:
    from lakehouse.runtime.processes import free_port

    wanted = {"Kafka": 9092, "Spark UI": settings.spark.ui_port, "web": settings.web.port}
    taken = [f"{port} ({what})" for what, port in wanted.items() if port != free_port(port)]
    if taken:
        return Check(
            "ports",
            "note",
            f"in use: {', '.join(taken)}",
            "by `logpond up` itself, or else it takes others and says so",
        )
    return Check("ports", "ok", f"free: {', '.join(map(str, wanted.values()))}")


def _disk(_settings: Settings, places: Places) -> Check:
    if is_url(places.lake):
        return Check("disk", "ok", "the lake is not on this machine")
    there = next(p for p in (Path(places.lake), *Path(places.lake).parents) if p.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        return Check("disk", "bad", f"{there} cannot be written", "choose another lake: --lake")
    state: State = "ok" if free > FREE_BYTES else "note" if free > LEAST_BYTES else "bad"
    remedy = "" if state == "ok" else "make room: two hours of the demo take 0.7 GB"
    return Check("disk", state, f"{free / 1e9:.1f} GB free at {there}", remedy)


def _memory(settings: Settings, _places: Places) -> Check:
    import psutil

    free, given = psutil.virtual_memory().available, settings.spark.driver_memory
    wanted = int(given[:-1]) << (30 if given[-1] == "g" else 20)
    found = f"{free / 1e9:.1f} GB available, Spark's driver is given {given}"
    if free < wanted + BESIDE_SPARK:
        return Check("memory", "note", found, "end other programs, or lower [spark] driver_memory")
    return Check("memory", "ok", found)


def _kafka(settings: Settings, places: Places) -> Check:
    from lakehouse.runtime import kafka
    from lakehouse.runtime.embedded_kafka import bootstrap
    from lakehouse.settings import Kafka

    where, topic = bootstrap(places, settings.kafka), settings.kafka.topic
    is_named = settings.kafka.bootstrap != Kafka().bootstrap
    try:
        kafka.expect(where)
        found = kafka.describe(where, topic)
    except BrokerError as error:
        if is_named:
            raise
        return Check("kafka", "note", error.what, "`logpond up` brings its own")
    if not kafka.trusts_its_clock(where, topic):
        return Check(
            "kafka",
            "note",
            f"{topic} at {where} keeps its producers' clocks",
            "set message.timestamp.type=LogAppendTime",
        )
    return Check("kafka", "ok", f"{topic} at {where}: {found.partitions} partitions")


def _checkpoints(_settings: Settings, places: Places) -> Check:
    from lakehouse.ingest.admission import look
    from lakehouse.ingest.queries import INGEST

    if INGEST.is_running(places):
        return Check("checkpoints", "ok", "the stream runs, so they were checked")
    manifest = look(places, INGEST.name, INGEST.tables)
    if astray := _astray(places):
        remedy = "; ".join(f"`logpond recover {query}`" for query in astray)
        found = f"{' and '.join(astray)}: made for another table logs than the one that is there"
        return Check("checkpoints", "bad", found, remedy)
    found = f"ingest reads {manifest.topic}, and fits the tables" if manifest else "none yet"
    return Check("checkpoints", "ok", found)


def _astray(places: Places) -> list[str]:
    """The queries whose checkpoints read a table `logs` that was another one."""
    from lakehouse.ingest.queries import MINUTES, WINDOWS
    from lakehouse.maintenance.readers import readers
    from lakehouse.store import table_or_none
    from lakehouse.tables.catalog import LOGS

    logs = table_or_none(places, LOGS)
    if logs is None:
        return []
    fitting = {reader.query for reader in readers(places, str(logs.metadata().id))}
    begun = {query.name: query.checkpoint(places).progress() for query in (WINDOWS, MINUTES)}
    return [
        name
        for name, how in begun.items()
        if how and how.planned is not None and name not in fitting
    ]


def _lake(_settings: Settings, places: Places) -> Check:
    from lakehouse.maintenance import shape
    from lakehouse.query import pinned

    names = pinned.names(places)
    if not names:
        return Check("lake", "note", f"{places.lake} holds no table yet", "`logpond up` fills it")
    shapes = {name: shape(places, name) for name in names}
    small = max(shapes, key=lambda name: shapes[name].small_files)
    size = sum(each.bytes for each in shapes.values()) / 1e6
    found = f"{len(names)} tables in {places.lake}, {size:,.0f} MB"
    if shapes[small].small_files > MANY_SMALL_FILES:
        return Check(
            "lake",
            "note",
            f"{found}; {small} has {shapes[small].small_files:,} small files",
            "a stream's upkeep merges them, or `logpond upkeep`",
        )
    return Check("lake", "ok", found)


CHECKS: dict[str, Callable[[Settings, Places], Check]] = {
    "java": _java,
    "jars": _jars,
    "packages": _packages,
    "ports": _ports,
    "disk": _disk,
    "memory": _memory,
    "kafka": _kafka,
    "checkpoints": _checkpoints,
    "lake": _lake,
}
