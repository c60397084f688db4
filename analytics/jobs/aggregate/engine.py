"""Polars over a block of lines: what it is sure of is summed, the rest is judged line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analytics.jobs.aggregate import odd
from analytics.jobs.aggregate.blocks import Block
from analytics.jobs.aggregate.line import FIELDS, METRICS, TIME, Row, judge
from analytics.jobs.aggregate.question import Question

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fault:
    """A line that does not count: its number in the file, from 1, and why."""

    file: str
    line: int
    reason: str


@dataclass
class Part:
    """What a block gives: sums by period and dimensions, and how many lines count or do not."""

    sums: pl.DataFrame
    lines: int = 0
    faults: list[Fault] = field(default_factory=list)


class Engine:
    """Sums blocks for one question. Its answers are those of `line.judge`, line by line."""

    def __init__(self, asked: Question) -> None:
        import polars as pl

        self.schema = {
            **dict.fromkeys(FIELDS, pl.String),
            **dict.fromkeys(METRICS, pl.Int64),
        }
        self.asked = asked
        self.good, self.period, self.wanted = _good(), _period(asked), _wanted(asked)
        self.nothing = self._judged_rows([])

    def part(self, block: Block) -> Part:
        """The sums of a block, and its faults."""
        lines = block.text.count(b"\n")
        if odd.is_regular(block.text, lines):
            sums, good = self._sums(self._rows(block.text))
            if good == lines:
                return Part(sums, lines)
        return self._with_judged(block, lines)

    def _with_judged(self, block: Block, lines: int) -> Part:
        """The same where some lines are doubtful: these are judged one by one."""
        rows = self._rows(odd.without(block.text, odd.odd_lines(block.text)))
        doubtful = (~rows.select("good").collect()["good"]).arg_true().to_list()
        sums, good = self._sums(rows)
        assert good + len(doubtful) == lines
        single, faults = self._judged(block, doubtful)
        return Part(self.merged([sums, single]), lines, faults)

    def _judged(self, block: Block, numbers: list[int]) -> tuple[pl.DataFrame, list[Fault]]:
        lines, good, faults = block.text.split(b"\n"), [], []
        for number in numbers:
            verdict = judge(lines[number])
            if isinstance(verdict, str):
                faults.append(Fault(block.file.name, block.first + number, verdict))
            else:
                good.append(verdict)
        return self._judged_rows(good), faults

    def _judged_rows(self, rows: list[Row]) -> pl.DataFrame:
        import polars as pl

        judged = pl.LazyFrame(rows, self.schema, orient="row")
        return self._sums(judged.with_columns(period=self.period, good=pl.lit(True)))[0]

    def _rows(self, text: bytes) -> pl.LazyFrame:
        """A row a line; what is not there, or is no number, is NULL or empty, and not good."""
        import polars as pl

        rows = pl.scan_csv(
            text, has_header=False, schema=self.schema, quote_char=None, ignore_errors=True,
            empty_string_is_null=False, missing_columns="insert", extra_columns="ignore",
            truncate_ragged_lines=True,
        )  # fmt: skip
        return rows.with_columns(period=self.period).with_columns(good=self.good)

    def _sums(self, rows: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
        """Sums of the good rows that are asked for, in 128 bits; how many are good at all."""
        import polars as pl

        counts = pl.when(pl.col("good") & self.wanted).then("period")
        found = (
            rows.with_columns(period=counts)
            .group_by("period", *self.asked.dimensions)
            .agg(pl.col(METRICS).cast(pl.Int128).sum(), pl.col("good").sum())
            .collect()
        )
        return found.filter(pl.col("period").is_not_null()).drop("good"), int(found["good"].sum())

    def merged(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Sums of sums, in order."""
        import polars as pl

        keys = ["period", *self.asked.dimensions]
        return (
            pl.concat([self.nothing, *parts]).group_by(keys).agg(pl.col(METRICS).sum()).sort(keys)
        )


def _good() -> pl.Expr:
    import polars as pl

    return (
        pl.all_horizontal(pl.col(METRICS).is_not_null())
        & pl.col("period").is_not_null()
        & (pl.col("user") != "")
        & (pl.col("app") != "")
        & pl.col("timestamp").str.contains(TIME)
    ).fill_null(False)


def _period(asked: Question) -> pl.Expr:
    """The first instant of a time's period; the minute decides, and few minutes come often."""
    import polars as pl

    minute = pl.col("timestamp").str.head(16)
    time = minute.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us")
    return time.dt.truncate(asked.step)


def _wanted(asked: Question) -> pl.Expr:
    """Who and when is asked for; times of one form are in order as text."""
    import polars as pl

    wanted = pl.lit(True)
    if asked.since:
        wanted &= pl.col("timestamp") >= asked.since.isoformat(" ")
    if asked.until:
        wanted &= pl.col("timestamp") < asked.until.isoformat(" ")
    for name, members in asked.chosen.items():
        wanted &= pl.col(name).is_in([*members])
    return wanted
