"""Sums of many blocks, held by day: what a block adds is merged with its own days alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from batch.jobs.aggregate.line import METRICS
from lakehouse.terminal.render import FORMULA, FORMULA_INSIDE

if TYPE_CHECKING:
    import polars as pl

TIMES = "%Y-%m-%d %H:%M:%S"
# Rows of a day that wait to be merged, at least; beyond, as many as are merged already.
WAITING = 20_000


class Sums:
    """Grows by the sums of blocks, in any order; `keys` are the period and the dimensions."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = [*keys]
        self.days: dict[date, list[pl.DataFrame]] = {}

    def add(self, sums: pl.DataFrame) -> None:
        """Take the sums of a block: rows of any days, in any order."""
        for day, part in _by_day(sums):
            parts = self.days.setdefault(day, [])
            parts.append(_narrow(part))
            if sum(one.height for one in parts[1:]) > max(WAITING, parts[0].height):
                self.days[day] = [merged(parts, self.keys)]

    def in_order(self) -> Iterator[pl.DataFrame]:
        """The sums of a day after the other, each in order; a day is given away."""
        for day in sorted(self.days):
            yield merged(self.days.pop(day), self.keys).sort(self.keys)


def merged(parts: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """Sums of sums, added in 128 bits."""
    import polars as pl

    if len(parts) == 1:
        return parts[0]
    rows = pl.concat(parts, how="vertical_relaxed").lazy()
    sums = rows.group_by(keys).agg(pl.col(METRICS).cast(pl.Int128).sum())
    return _narrow(sums.collect())


def write(days: Iterator[pl.DataFrame], header: pl.DataFrame, path: Path) -> int:
    """Write sums as one CSV with the columns of a header; how many rows."""
    rows = 0
    with path.open("wb") as out:
        header.write_csv(out)
        for sums in days:
            without_formulas(sums).write_csv(out, include_header=False, datetime_format=TIMES)
            rows += sums.height
    return rows


def without_formulas(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with `'` before what a spreadsheet would compute, as `render.csv_cell` does."""
    import polars as pl

    def guarded(text: pl.Expr) -> pl.Expr:
        inside = text.str.replace_all(FORMULA_INSIDE, "${1}'${2}")
        is_safe = text.is_null() | ((inside == text) & ~text.str.contains(FORMULA))
        return pl.when(is_safe).then(text).otherwise(pl.lit("'") + inside)

    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    return rows.with_columns(guarded(pl.col(name)).alias(name) for name in texts)


def _by_day(sums: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    days = sums["period"].dt.date()
    if days.n_unique() > 1:
        for part in sums.with_columns(day=days).partition_by("day", include_key=False):
            yield part["period"][0].date(), part
    elif len(days):
        yield days[0], sums


def _narrow(sums: pl.DataFrame) -> pl.DataFrame:
    """In 64 bits where these hold them: half the memory."""
    import polars as pl

    try:
        return sums.cast(dict.fromkeys(METRICS, pl.Int64))
    except pl.exceptions.InvalidOperationError:
        return sums
