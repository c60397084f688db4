"""The jars of conf/jars.lock: which ones, where they lie, and whether they are what they should be.

`python -m lakehouse.runtime.jars` fetches what is missing, once. Nothing is downloaded at a start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "conf" / "jars.lock"
STAMP = "verified.json"


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
    """What Spark needs beside its own jars, verified; SettingsError if one is not there."""
    return _verified("spark")


def broker_jars() -> list[Path]:
    """What the embedded broker needs, verified; SettingsError if one is not there."""
    return [*_verified("broker"), _scala_library()]


def has_broker() -> bool:
    """Whether a broker's jars are here at all, in order or not: an image for Spark has none."""
    return any((folder() / jar.file).is_file() for jar in locked() if jar.use == "broker")


def locked(lock: Path = LOCK) -> list[Jar]:
    """Every jar of the lock, in its order."""
    lines = (line.split("#")[0].split() for line in lock.read_text().splitlines())
    return [Jar(coordinates, sha256, use) for coordinates, sha256, use in filter(None, lines)]


def folder() -> Path:
    """Where the jars lie: LOGPOND_JARS, or `.jars` in the repository."""
    return Path(os.environ.get("LOGPOND_JARS", ROOT / ".jars"))


def sha256(file: Path) -> str:
    """The hash of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stamp(hashed: Iterable[Jar]) -> None:
    """Note size and time of jars that were hashed, so that a start need not hash."""
    marks = {jar.file: _mark(folder() / jar.file, jar) for jar in hashed}
    pending = folder() / f"{STAMP}.{os.getpid()}"
    pending.write_text(json.dumps(marks, indent=1))
    pending.replace(folder() / STAMP)


def _verified(use: str) -> list[Path]:
    marks = _stamped()
    jars = {folder() / jar.file: jar for jar in locked() if jar.use == use}
    faults = [fault for path, jar in jars.items() if (fault := _fault(path, jar, marks))]
    if faults:
        with suppress(OSError):
            (folder() / STAMP).unlink()  # by which `make setup` knows its work
        raise SettingsError(
            f"jars are not in order in {folder()}: " + "; ".join(faults),
            "run `make setup`, which fetches what is missing",
        )
    return list(jars)


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


if __name__ == "__main__":
    from lakehouse.runtime import jar_fetch

    jar_fetch.main()
