"""The jars of conf/jars.lock: which ones, where they lie, and whether they are what they should be.

`python -m lakehouse.runtime.jars` fetches what is missing, once, with Spark's own resolver, so that
a user's mirror settings hold. Nothing is downloaded at a start, but for conf/jars-s3.lock: what a
lake in a bucket needs besides is fetched by `make setup-s3`, or when the first such lake is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lakehouse.errors import LogpondError, SettingsError
from lakehouse.runtime import environment, java

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "conf" / "jars.lock"
LOCK_S3 = ROOT / "conf" / "jars-s3.lock"
S3_MEGABYTES = 11
STAMP = "verified.json"
Resolve = Callable[[str], Path]


@dataclass(frozen=True)
class Jar:
    """A line of the lock: exact coordinates, what the bytes hash to, and who uses it."""

    coordinates: str
    sha256: str
    use: str

    @property
    def file(self) -> str:
        """Its name in the folder."""
        _group, name, version = self.coordinates.split(":")
        return f"{name}-{version}.jar"


def spark_jars() -> list[Path]:
    """Returns the jars that Spark needs besides its own, verified.

    Raises SettingsError if one is missing.
    """
    return _verified("spark")


def broker_jars() -> list[Path]:
    """Returns the jars of the embedded broker, verified. Raises SettingsError if one is missing."""
    return [*_verified("broker"), _scala_library()]


def s3_jars() -> list[Path]:
    """Returns the jars by which Spark reads `s3://`, verified; what is missing is fetched now.

    Raises SettingsError if one cannot be had.
    """
    missing = [jar for jar in locked(LOCK_S3) if not (folder() / jar.file).is_file()]
    if missing:
        with redirect_stdout(sys.stderr):
            _say(
                f"a lake in a bucket needs {len(missing)} more jars ({S3_MEGABYTES} MB): fetching "
                f"them into {folder()}, once, in about a minute",
                end="\n",
            )
            fetch("s3")
    return _verified("s3")


def has_broker() -> bool:
    """Whether a broker's jars are here at all, in order or not: an image for Spark has none."""
    return any((folder() / jar.file).is_file() for jar in locked() if jar.use == "broker")


def locked(lock: Path = LOCK) -> list[Jar]:
    """Every jar of the lock, in its order."""
    lines = (line.split("#")[0].split() for line in lock.read_text().splitlines())
    return [Jar(coordinates, sha256, use) for coordinates, sha256, use in filter(None, lines)]


def folder() -> Path:
    """Returns the folder of the jars: LOGPOND_JARS, or `.jars` in the repository."""
    return Path(os.environ.get("LOGPOND_JARS", ROOT / ".jars"))


def sha256(file: Path) -> str:
    """The hash of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stamp(hashed: Iterable[Jar]) -> None:
    """Note size and time of jars that were hashed, so that a start need not hash."""
    marks = _stamped() | {jar.file: _mark(folder() / jar.file, jar) for jar in hashed}
    pending = folder() / f"{STAMP}.{os.getpid()}"
    pending.write_text(json.dumps(marks, indent=1))
    pending.replace(folder() / STAMP)


def _verified(use: str) -> list[Path]:
    marks = _stamped()
    jars = {folder() / jar.file: jar for jar in _locked_for(use)}
    faults = [fault for path, jar in jars.items() if (fault := _fault(path, jar, marks))]
    if faults:
        with suppress(OSError):
            (folder() / STAMP).unlink()  # by which `make setup` knows its work
        raise SettingsError(
            f"jars are not in order in {folder()}: " + "; ".join(faults),
            f"run `make {'setup-s3' if use == 's3' else 'setup'}`, which fetches what is missing",
        )
    return list(jars)


def _locked_for(use: str) -> list[Jar]:
    return [jar for jar in (locked(LOCK_S3) if use == "s3" else locked()) if jar.use == use]


def _fault(path: Path, jar: Jar, marks: dict[str, list[object]]) -> str:
    if not path.is_file():
        return f"{jar.file} is missing"
    if marks.get(jar.file) == _mark(path, jar) or sha256(path) == jar.sha256:
        return ""
    return f"{jar.file} is damaged"


def _mark(path: Path, jar: Jar) -> list[object]:
    of = path.stat()
    return [of.st_size, of.st_mtime_ns, jar.sha256]


def _stamped() -> dict[str, list[object]]:
    try:
        marks: dict[str, list[object]] = json.loads((folder() / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return marks


def _scala_library() -> Path:
    """Spark's resolver never fetches it, for Spark has it: the broker takes that one."""
    spark = importlib.util.find_spec("pyspark")
    roots = list(spark.submodule_search_locations or []) if spark else []
    found = [jar for root in roots for jar in Path(root, "jars").glob("scala-library-2.13.*.jar")]
    if not found:
        raise SettingsError("pyspark brings no scala-library jar", "run `make setup`")
    return found[0]


def fetch(*uses: str) -> None:
    """Every jar of jars.lock, or of these uses; those missing or damaged are fetched one by one."""
    all_of_them = [jar for use in uses for jar in _locked_for(use)] or locked()
    wanted = [jar for jar in all_of_them if not _holds(jar)]
    if wanted:
        with _resolver() as resolve:
            for count, jar in enumerate(wanted, 1):
                _say(f"fetching jars {count}/{len(wanted)}: {jar.coordinates}")
                _place(resolve(jar.coordinates), jar)
    stamp(all_of_them)
    _say(f"{len(all_of_them)} jars in {folder()}, verified", end="\n")


def lock() -> None:
    """For maintainers: resolve every coordinate anew and write its hash into its lock."""
    with _resolver() as resolve:
        for file in (LOCK, LOCK_S3):
            hashed = [_hashed(line, resolve) for line in file.read_text().splitlines()]
            file.write_text("\n".join(hashed) + "\n")
            _say(f"wrote {file}", end="\n")


def main() -> None:
    """`python -m lakehouse.runtime.jars [--lock | USE...]`, a use being one of the lock's."""
    words = sys.argv[1:]
    try:
        java.check()
        lock() if "--lock" in words else fetch(*words)
    except LogpondError as error:
        sys.exit(f"{error}")


def _holds(jar: Jar) -> bool:
    file = folder() / jar.file
    return file.is_file() and sha256(file) == jar.sha256


def _place(found: Path, jar: Jar) -> None:
    got = sha256(found)
    if got != jar.sha256:
        raise SettingsError(
            f"{jar.coordinates} is not the jar of the lock: sha256 {got}, not {jar.sha256}",
            "the mirror serves another file; do not use it before you know why",
        )
    found.replace(folder() / jar.file)


def _hashed(line: str, resolve: Resolve) -> str:
    if not line.strip() or line.startswith("#"):
        return line
    coordinates, *_hash, use = line.split()
    _say(f"resolving {coordinates}")
    return f"{coordinates} {sha256(resolve(coordinates))} {use}"


@contextmanager
def _resolver() -> Iterator[Resolve]:
    """Spark's resolver in a JVM of its own, with a folder of its own that goes away with it."""
    folder().mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="resolving-", dir=folder()))
    try:
        with (folder() / "resolver.log").open("w") as log, _gateway(work, log) as resolve:
            yield resolve
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
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
        f"spark.jars.ivySettings; details: {folder() / 'resolver.log'}",
    )


def _say(text: str, end: str = "") -> None:
    """One line that overwrites itself on a terminal; elsewhere a line each."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end=end, flush=True)
    else:
        print(text, flush=True)


if __name__ == "__main__":
    main()
