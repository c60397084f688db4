"""This machine: Java, jars, packages, ports, disk and memory."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

from cli.checks.check import Check, State
from lakehouse.paths import Places, is_url
from lakehouse.settings import Settings

FREE_BYTES, LEAST_BYTES = 5 * 10**9, 10**9
OUTSIDE_SPARK = 700 << 20
PIN = re.compile(r"([\w-]+)==([^\s;]+)")


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
    """Compares the installed packages with the versions that pyproject pins."""
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

    servers = {"web": settings.web.port, "gateway": settings.gateway.port}
    servers["postgres"] = settings.postgres.port
    wanted = {"Kafka": 9092, "Spark UI": settings.spark.ui_port, **servers}
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
    if free < wanted + OUTSIDE_SPARK:
        return Check("memory", "note", found, "end other programs, or lower [spark] driver_memory")
    return Check("memory", "ok", found)


CHECKS = {
    "java": _java,
    "jars": _jars,
    "packages": _packages,
    "ports": _ports,
    "disk": _disk,
    "memory": _memory,
}
