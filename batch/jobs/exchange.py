"""Files that a job and its executors both see: on a cluster that shares no folder, in the bucket.

A job reads files of its machine and leaves its results in a folder there. Executors on other
machines see neither: they get copies in the bucket of the lake, and what they write is fetched.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import obstore

from lakehouse.paths import Places, is_url
from lakehouse.settings import Settings
from lakehouse.store import objects
from lakehouse.store.disk import in_words

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# A run that was killed leaves its copies: a later one deletes them.
LEFT_FOR = timedelta(days=7)
STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Exchange:
    """`place` is a URL that all see. It is empty where executors see this machine's folders."""

    place: str = ""

    def given(self, file: Path) -> str:
        """Returns where executors read a file: itself, or the copy that is made now."""
        if not self.place:
            return str(file.absolute())
        name = f"given/{secrets.token_hex(8)}{''.join(file.suffixes[-2:])}"
        with file.open("rb") as content:
            objects.put_file(objects.store(self.place), name, content)
        return f"{self.place}/{name}"

    def written(self, rows: DataFrame, folder: Path, *by: str) -> str:
        """Writes rows as Parquet, a folder each value of `by`, so that they are in `folder` then.

        Returns where executors read them.
        """
        at = f"{self.place}/written/{folder.name}" if self.place else str(folder)
        rows.write.partitionBy(*by).parquet(at)
        if self.place:
            fetch(at, folder)
        return at


LOCAL = Exchange()


@contextmanager
def opened(settings: Settings, job: str) -> Iterator[Exchange]:
    """Yields the exchange of one run of a job; at the end its copies are deleted.

    Where Spark's master is this machine, or the lake is no bucket, it is the folders themselves.
    """
    lake = Places.of(settings)
    if settings.spark.master.startswith("local") or not is_url(lake.lake):
        yield LOCAL
        return
    root, now = lake.scratch(job), datetime.now(UTC)
    for old in objects.folders(objects.store(root)):
        if old < f"{now - LEFT_FOR:{STAMP}}":
            objects.remove(f"{root}/{old}")
    place = f"{root}/{now:{STAMP}}-{secrets.token_hex(4)}"
    try:
        yield Exchange(place)
    finally:
        objects.remove(place)


@contextmanager
def copied(place: str) -> Iterator[Path]:
    """Yields what an `Exchange` gave as a file of this machine, which is there meanwhile."""
    if not is_url(place):
        yield Path(place)
        return
    root, _, name = place.rpartition("/")
    with TemporaryDirectory() as folder:
        file = Path(folder, name)
        _fetch(objects.reader(root), name, file)
        yield file


def fetch(place: str, folder: Path) -> None:
    """Copies all objects below a place into a folder, which is made."""
    at = objects.reader(place)
    folder.mkdir(parents=True)
    for page in obstore.list(at):
        for item in page:
            file = folder / str(item["path"])
            file.parent.mkdir(parents=True, exist_ok=True)
            _fetch(at, str(item["path"]), file)


def _fetch(at: Any, name: str, file: Path) -> None:
    with in_words(str(file)), file.open("wb") as copy:
        for part in obstore.get(at, name).stream():
            copy.write(part)
