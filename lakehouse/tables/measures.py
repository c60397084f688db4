"""Measures of a window, as SQL that counts them from events, folds them, and shows them. Pure.

Each can be folded: a day is made of its half hours, and never counted from the events again.
Quantiles come from a log-bucketed histogram (as DDSketch), distinct counts from a KMV sketch (the
k minimum values of a hash): both merge without a loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from lakehouse.event.schema import arrow_field

# A bucket is 2 % wide, its value within 1 % of each latency in it. The shift keeps the borders
# off round numbers, where two engines might differ by the last bit.
GROWTH, SHIFT, LEAST_MS = 1.02, 0.37, 0.01
BUCKET = f"CAST(floor(ln(greatest({{}}, {LEAST_MS})) / ln({GROWTH}) + {SHIFT}) AS INTEGER)"
# The bucket of the largest number there is reaches beyond it.
VALUE = f"least(pow({GROWTH}, bucket - {SHIFT}) * {2 * GROWTH / (1 + GROWTH)}, {1e308})"
# A set is exact below this size; above it, its size is known within 2 % (0.55 % standard error).
HASHES_KEPT, HASH_SPACE = 32_768, 2**40
HASH = "('0x' || substr(md5({}), 1, 10))::BIGINT"
LONGEST_MS = 10**15


@dataclass(frozen=True)
class Sum:
    """A number that adds up; `counted` gives `scale` times it from events, as an integer."""

    name: str
    doc: str
    counted: str
    scale: int = 1

    @property
    def fields(self) -> list[pa.Field]:
        """The columns in the table."""
        kind = pa.int64() if self.scale == 1 else pa.float64()
        return [arrow_field(self.name, kind, self.doc)]

    @property
    def folded(self) -> str:
        """Returns SQL for the sum over rows of finer windows."""
        return f"sum(CAST(round({self.name} * {self.scale}) AS DECIMAL(38, 0)))"

    @property
    def result(self) -> str:
        """Returns SQL for the value that readers see, from a row of sums."""
        if self.scale == 1:
            return f"CAST({at_most(f's.{self.name}', 2**63 - 1)} AS BIGINT)"
        return f"CAST(s.{self.name} AS DOUBLE) / {self.scale}"


@dataclass(frozen=True)
class Ratio:
    """One sum by another; NULL where there is nothing to divide by."""

    name: str
    doc: str
    part: str
    whole: str

    @property
    def fields(self) -> list[pa.Field]:
        """The columns in the table."""
        return [arrow_field(self.name, pa.float64(), self.doc)]

    @property
    def result(self) -> str:
        """Returns SQL for the value that readers see, from a row of sums."""
        return f"CAST(({self.part}) AS DOUBLE) / nullif({self.whole}, 0)"


@dataclass(frozen=True)
class Distribution:
    """Mean and quantiles of a column in milliseconds, by a log-bucketed histogram (as DDSketch).

    A quantile is linear between the two nearest ranks (numpy's and SQL's `quantile_cont`), within
    1 % of the exact one.
    """

    name: str
    column: str
    quantiles: tuple[int, ...] = (50, 95, 99)
    mean_name: str = ""

    @property
    def total(self) -> Sum:
        """The sum, of which the mean is made."""
        return Sum(f"{self.name}_total", f"sum of {self.column} [ms]", micros(self.column), 1000)

    @property
    def mean(self) -> str:
        """The column that holds the mean."""
        return self.mean_name or f"{self.name}_mean"

    @property
    def histogram(self) -> str:
        """The column that holds the buckets."""
        return f"_{self.name}_histogram"

    @property
    def fields(self) -> list[pa.Field]:
        """The columns in the table."""
        kept = f"requests by bucket b: {GROWTH}^(b-{SHIFT}) to {GROWTH}^(b+{1 - SHIFT:.2f}) ms"
        return [
            arrow_field(self.mean, pa.float64(), f"mean {self.column} [ms]"),
            *(
                arrow_field(f"{self.name}_p{q}", pa.float64(), f"{q} % were faster [ms], to 1 %")
                for q in self.quantiles
            ),
            *self.total.fields,
            arrow_field(self.histogram, pa.map_(pa.int32(), pa.int64()), kept),
        ]


@dataclass(frozen=True)
class Distinct:
    """How many different values a column has, by a KMV sketch: the smallest of their hashes."""

    name: str
    column: str
    doc: str

    @property
    def hashes(self) -> str:
        """The column that holds the hashes."""
        return f"_{self.name}_hashes"

    @property
    def fields(self) -> list[pa.Field]:
        """The columns in the table."""
        kept = f"the {HASHES_KEPT} smallest of the first 40 bits of md5({self.column}), ascending"
        exact = f"{self.doc}; exact below {HASHES_KEPT}, else within 2 %"
        return [
            arrow_field(self.name, pa.int64(), exact),
            arrow_field(self.hashes, pa.list_(pa.int64()), kept),
        ]


Measure = Sum | Ratio | Distribution | Distinct


def added(column: str) -> str:
    """Returns SQL for the sum of a column of large integers, which cannot overflow."""
    return f"sum(CAST({column} AS DECIMAL(20, 0)))"


def micros(column: str) -> str:
    """Returns SQL for the sum of milliseconds in whole microseconds: the same in any order."""
    return added(f"floor({at_most(column, LONGEST_MS)} * 1000 + 0.5)")


def at_most(value: str, most: int) -> str:
    """Returns SQL for a value limited to `most`; NULL stays NULL, unlike with DuckDB's `least`."""
    return f"CASE WHEN {value} > {most} THEN {most} ELSE {value} END"
