"""Phase 1, of one file: lines, rows, views; duplicates out; Parquet, and a note of what it gave."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batch.jobs.watch_time import regions as known
from batch.jobs.watch_time import source
from batch.jobs.watch_time.spill import Spill, buckets
from batch.jobs.watch_time.verdict import judge
from batch.jobs.watch_time.workspace import (
    Input,
    Note,
    Workspace,
    reject_schema,
    view_schema,
    written,
)
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.event.textfile import is_gzip

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from batch.jobs.watch_time.regions import Regions

# Of text: what a packed byte is, about.
UNPACKED = 8


@dataclass
class Tally:
    """What was counted on the way, each by other hands, so that it can be held together."""

    rows: int = 0
    views: int = 0
    duplicates: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Cleaning:
    """A file on its way: what it is, where it goes, and what was counted."""

    one: Input
    work: Workspace
    regions: Regions
    tally: Tally = field(default_factory=Tally)

    def run(self) -> None:
        """All lines to buckets or rejects, then the first line of each log_id to Parquet."""
        names = source.columns(self.one.path)
        self.work.forget(self.one)
        with Spill(self.work.spill(self.one), _buckets(self.one)) as spill:
            self._take(names, spill)
            with written(self.work.views(self.one), view_schema()) as out:
                for views, repeated in spill.first_of_each():
                    self._count(views, repeated)
                    out.write_table(self._typed(views))

    def _take(self, names: list[str], spill: Spill) -> None:
        with written(self.work.rejects(self.one), reject_schema()) as out:
            for block in source.blocks(self.one.path):
                parsed = source.parse(block, names)
                judged = judge(parsed.rows, self.regions)
                self.tally.rows += block.lines
                spill.add(judged.views)
                for rejects in (parsed.broken, judged.rejects):
                    self.tally.rejects.update(rejects["reason"].to_list())
                    out.write_table(self._named(rejects))
        if not self.tally.rejects:
            self.work.rejects(self.one).unlink()

    def _count(self, views: pl.DataFrame, repeated: int) -> None:
        self.tally.views += views.height
        self.tally.duplicates += repeated
        for code, count in views["geo_region"].value_counts().iter_rows():
            self.tally.regions[self.regions.names[code]] += count

    def _typed(self, views: pl.DataFrame) -> pa.Table:
        import pyarrow as pa

        columns = dict(zip(views.columns, views.to_arrow().columns, strict=True))
        codes = views["geo_region"].cast(int).to_numpy().astype("int32")
        columns["geo_region"] = pa.DictionaryArray.from_arrays(codes, self.regions.names)
        columns["file"] = _same(self.one.name, views.height)
        return pa.table([columns[n] for n in view_schema().names], view_schema().names).cast(
            view_schema()
        )

    def _named(self, rejects: pl.DataFrame) -> pa.Table:
        import polars as pl

        named = rejects.with_columns(pl.lit(self.one.name).alias("file"))
        lacking = [
            pl.lit(None, pl.String).alias(n)
            for n in reject_schema().names
            if n not in named.columns
        ]
        wanted = named.with_columns(lacking).select(reject_schema().names)
        return wanted.to_arrow().cast(reject_schema())


def clean(one: Input, work: Workspace, table: Path, recipe: str) -> Note:
    """Write the views of a file: of a log_id that comes twice, the first line that is valid.

    Raises SettingsError where it cannot be read to its end, or changes meanwhile.
    """
    began = time.perf_counter()
    cleaning = Cleaning(one, work, known.read(table))
    cleaning.run()
    _unchanged(one)
    note = _note(one, recipe, cleaning.tally, time.perf_counter() - began)
    if not note.is_complete:
        raise LogpondError(f"{one.name}: rows are not accounted for: {note}")
    work.write_note(one, note)
    return note


def _buckets(one: Input) -> int:
    return buckets(one.size * (UNPACKED if is_gzip(one.path) else 1))


def _same(name: str, count: int) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype="int32"), [name])


def _unchanged(one: Input) -> None:
    now = one.path.stat()
    if (now.st_size, now.st_mtime_ns) != (one.size, one.mtime_ns):
        raise SettingsError(f"{one.path} was changed while it was read", "run it again")


def _note(one: Input, recipe: str, tally: Tally, seconds: float) -> Note:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # kilobytes on Linux, bytes on macOS
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Note(
        one.name,
        one.size,
        one.mtime_ns,
        recipe,
        tally.rows,
        tally.views,
        tally.duplicates,
        dict(tally.rejects),
        dict(tally.regions),
        seconds,
        used.ru_utime + used.ru_stime,
        peak,
    )
