"""The work folder: cleaned files, with a note of each, by which a rerun knows what is done."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from batch.jobs import results
from batch.jobs.watch_time.source import COLUMNS
from batch.jobs.watch_time.verdict import PRECISION, SCALE

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Raised when the same file would give other rows than before.
RULES = 1


class Note(msgspec.Struct, frozen=True):
    """What a file gave: rows = views + duplicates + the sum of rejects. Sizes in bytes."""

    file: str
    size: int
    mtime_ns: int
    recipe: str
    rows: int
    views: int
    duplicates: int
    rejects: dict[str, int]
    regions: dict[str, int]
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def stem(self) -> str:
        """As that of its file."""
        return stem(self.file)

    @property
    def is_complete(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows == self.views + self.duplicates + sum(self.rejects.values())


@dataclass(frozen=True)
class Input:
    """A file: its path, its name below the input folder, and how it was when it was found."""

    path: Path
    name: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, root: Path) -> Input:
        """The file as it is now."""
        seen = path.stat()
        name = os.fsencode(path.relative_to(root)).decode(errors="backslashreplace")
        return cls(path, name, seen.st_size, seen.st_mtime_ns)

    @property
    def stem(self) -> str:
        """A name for what is made of it, harmless and its own."""
        return stem(self.name)


@dataclass(frozen=True)
class Workspace:
    """Where phase 1 writes. A note is written last: without it, a file is cleaned again."""

    root: Path

    def views(self, one: Input | Note) -> Path:
        """Parquet: the views of a file."""
        return self.root / "views" / f"{one.stem}.parquet"

    def rejects(self, one: Input) -> Path:
        """Parquet: its lines that do not count, each with a reason; not there if there are none."""
        return self.root / "rejects" / f"{one.stem}.parquet"

    def spill(self, one: Input) -> Path:
        """A folder for rows on their way."""
        return self.root / "_spill" / one.stem

    def tidy(self) -> None:
        """Delete what a run that was killed had begun; nobody else may write here meanwhile."""
        shutil.rmtree(self.root / "_spill", ignore_errors=True)
        for part in (*self.root.glob("views/.*.part"), *self.root.glob("rejects/.*.part")):
            part.unlink()

    def note(self, one: Input, recipe: str) -> Note | None:
        """The note of a file, if it was cleaned as it is now, by the same rules."""
        try:
            found = msgspec.json.decode(self._note(one).read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None
        same = (found.size, found.mtime_ns, found.recipe) == (one.size, one.mtime_ns, recipe)
        return found if same and self.views(one).exists() else None

    def write_note(self, one: Input, note: Note) -> None:
        """Say that a file is done."""
        with results.replaced(self._note(one)) as file:
            file.write_bytes(msgspec.json.encode(note))

    def forget(self, one: Input) -> None:
        """Take a file for not done, before anything of it is replaced."""
        self._note(one).unlink(missing_ok=True)
        self.rejects(one).unlink(missing_ok=True)

    def _note(self, one: Input) -> Path:
        return self.root / "views" / f"{one.stem}.json"


def view_schema() -> pa.Schema:
    """A view that counts: `line` of `file`, the header being line 1; watch_time in minutes."""
    import pyarrow as pa

    names = pa.dictionary(pa.int32(), pa.string())
    types = {
        "file": names,
        "line": pa.int64(),
        "log_id": pa.string(),
        "user_id": pa.string(),
        "ip": pa.string(),
        "geo_region": names,
        "timestamp": pa.timestamp("us", "UTC"),
        "watch_time": pa.decimal128(PRECISION, SCALE),
    }
    return pa.schema([pa.field(name, type_) for name, type_ in types.items()])


def reject_schema() -> pa.Schema:
    """A line that does not count: its values as they stood, or all of it where it has none."""
    import pyarrow as pa

    names = ["reason", *COLUMNS.values(), "raw"]
    return pa.schema(
        [("file", pa.string()), ("line", pa.int64()), *((n, pa.string()) for n in names)]
    )


@contextmanager
def written(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A Parquet file that is there when the block ends well, and not before."""
    import pyarrow.parquet as pq

    with (
        results.replaced(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        yield writer


def recipe(regions: Path) -> str:
    """What rows depend on besides the file: our rules, and the table of regions."""
    return f"{RULES}-{hashlib.sha256(regions.read_bytes()).hexdigest()[:16]}"


def stem(name: str) -> str:
    """A name for what is made of a file, harmless and its own."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{digest}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:80]}"
