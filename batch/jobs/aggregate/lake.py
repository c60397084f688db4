"""The same sums of the lake's `usage`: its half hours, open ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.jobs import results
from batch.jobs.aggregate.job import Options, Summary, Tally
from batch.jobs.aggregate.question import Question
from batch.jobs.aggregate.sums import TIMES, without_formulas
from batch.jobs.performance import Performance
from lakehouse.duck import literal, quoted
from lakehouse.paths import Places
from lakehouse.query.ask import ask
from lakehouse.tables.rollups import USAGE
from lakehouse.terminal.times import NOW

if TYPE_CHECKING:
    import pyarrow as pa

STEPS = {"30m": "30 minutes", "1day": "1 day"}


@dataclass(frozen=True)
class Lake:
    """The table `usage`; a half hour that begins in the range counts in full."""

    places: Places
    bytes: int = 0
    files: None = None

    def into(
        self, options: Options, performance: Performance, advance: Callable[[int], Any]
    ) -> Summary:
        """Ask DuckDB, write."""
        with performance.phase("read and sum") as phase:
            found = ask(self.places, statement(options.asked), NOW)
            phase.rows = found.num_rows
        with performance.phase("write") as phase, results.new(options.output) as draft:
            _write(found, draft.file)
            phase.rows, phase.bytes = found.num_rows, draft.file.stat().st_size
        return Summary(draft.path, found.num_rows, Tally())


def _write(found: pa.Table, path: Path) -> None:
    import polars as pl

    without_formulas(pl.DataFrame(found)).write_csv(path, datetime_format=TIMES)


def statement(asked: Question) -> str:
    """The sums of a question in DuckDB's words: days are made of their half hours."""
    keys = ", ".join(map(quoted, asked.dimensions))
    return (
        f"SELECT time_bucket(INTERVAL '{STEPS[asked.granularity]}', window_start) AS period, "
        f"{keys}, {', '.join(_measures())} FROM usage "
        f"WHERE {' AND '.join(_wanted(asked))} GROUP BY ALL ORDER BY ALL NULLS FIRST"
    )


def _measures() -> Iterator[str]:
    """Exact, for they are added as whole numbers."""
    for measure in USAGE.sums:
        if measure.scale == 1:
            yield f"CAST({measure.folded} AS BIGINT) AS {measure.name}"
        else:
            yield f"CAST({measure.folded} AS DOUBLE) / {measure.scale} AS {measure.name}"


def _wanted(asked: Question) -> Iterator[str]:
    yield "granularity = '30m'"
    if asked.since:
        yield f"window_start >= TIMESTAMPTZ '{asked.since}+00'"
    if asked.until:
        yield f"window_start < TIMESTAMPTZ '{asked.until}+00'"
    for name, members in asked.filters.items():
        yield f"{quoted(name)} IN ({', '.join(map(literal, members))})"
