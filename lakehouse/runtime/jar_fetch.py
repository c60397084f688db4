"""Fetches the jars of the lock with Spark's own resolver, so that a user's mirror settings hold."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from lakehouse.errors import LogpondError, SettingsError
from lakehouse.runtime import environment, jars, java

Resolve = Callable[[str], Path]


def fetch(*uses: str) -> None:
    """Every jar of the lock, or of these uses; those missing or damaged are fetched, one by one."""
    all_of_them = [jar for jar in jars.locked() if jar.use in uses or not uses]
    wanted = [jar for jar in all_of_them if not _holds(jar)]
    if wanted:
        with _resolver() as resolve:
            for count, jar in enumerate(wanted, 1):
                _say(f"fetching jars {count}/{len(wanted)}: {jar.coordinates}")
                _place(resolve(jar.coordinates), jar)
    jars.stamp(all_of_them)
    _say(f"{len(all_of_them)} jars in {jars.folder()}, verified", end="\n")


def lock() -> None:
    """For maintainers: resolve every coordinate anew and write its hash into the lock."""
    lines = jars.LOCK.read_text().splitlines()
    with _resolver() as resolve:
        hashed = [_hashed(line, resolve) for line in lines]
    jars.LOCK.write_text("\n".join(hashed) + "\n")
    _say(f"wrote {jars.LOCK}", end="\n")


def main() -> None:
    """`python -m lakehouse.runtime.jars [--lock | USE...]`, a use being one of the lock's."""
    words = sys.argv[1:]
    try:
        java.check()
        lock() if "--lock" in words else fetch(*words)
    except LogpondError as error:
        sys.exit(f"{error}")


def _holds(jar: jars.Jar) -> bool:
    file = jars.folder() / jar.file
    return file.is_file() and jars.sha256(file) == jar.sha256


def _place(found: Path, jar: jars.Jar) -> None:
    got = jars.sha256(found)
    if got != jar.sha256:
        raise SettingsError(
            f"{jar.coordinates} is not the jar of the lock: sha256 {got}, not {jar.sha256}",
            "the mirror serves another file; do not use it before you know why",
        )
    found.replace(jars.folder() / jar.file)


def _hashed(line: str, resolve: Resolve) -> str:
    if not line.strip() or line.startswith("#"):
        return line
    coordinates, *_hash, use = line.split()
    _say(f"resolving {coordinates}")
    return f"{coordinates} {jars.sha256(resolve(coordinates))} {use}"


@contextlib.contextmanager
def _resolver() -> Iterator[Resolve]:
    """Spark's resolver in a JVM of its own, with a folder of its own that goes away with it."""
    jars.folder().mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="resolving-", dir=jars.folder()))
    try:
        with (jars.folder() / "resolver.log").open("w") as log, _gateway(work, log) as resolve:
            yield resolve
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def _gateway(work: Path, log: IO[str]) -> Iterator[Resolve]:
    from py4j.protocol import Py4JJavaError
    from pyspark.conf import SparkConf
    from pyspark.java_gateway import launch_gateway

    _say("starting Spark's resolver")
    environment.leave_other_installations(but=["SPARK_CONF_DIR"])  # a mirror may be named there
    os.environ["SPARK_HOME"] = str(environment.spark_home())
    conf = SparkConf(loadDefaults=False).set("spark.jars.ivy", str(work))
    quiet = {"stdout": log, "stderr": log}
    gateway = launch_gateway(conf, popen_kwargs=quiet)
    utils, uri = gateway.jvm.org.apache.spark.util.DependencyUtils, gateway.jvm.java.net.URI

    def resolve(coordinates: str) -> Path:
        try:
            found = utils.resolveMavenDependencies(uri(f"ivy://{coordinates}?transitive=false"))
        except Py4JJavaError as error:
            raise _unresolved(coordinates, str(error.java_exception.getMessage())) from None
        if not found.mkString(","):
            raise _unresolved(coordinates, "the resolver names no file")
        return Path(found.mkString(","))

    try:
        yield resolve
    finally:
        gateway.shutdown()


def _unresolved(coordinates: str, why: str) -> SettingsError:
    return SettingsError(
        f"cannot fetch {coordinates}: {why}",
        "is the network there? A mirror is set by DEFAULT_ARTIFACT_REPOSITORY, or by Spark's "
        f"spark.jars.ivySettings; details: {jars.folder() / 'resolver.log'}",
    )


def _say(text: str, end: str = "") -> None:
    """One line that overwrites itself on a terminal; elsewhere a line each."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end=end, flush=True)
    else:
        print(text, flush=True)
