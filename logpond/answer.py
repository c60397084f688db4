"""The rows that a question found, in whichever library the asker works with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.duck import scanned
from lakehouse.past import sources
from lakehouse.terminal import render
from lakehouse.terminal.times import Moment

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SHOWN = 20


@dataclass(frozen=True, repr=False)
class Answer:
    """Rows in memory, in columns; `at` is the state of the lake that they were read from.

    It can be iterated, a dict a row. A notebook shows its first 20 rows. Of columns with one name
    the second is `a_2`, as `logpond sql` has it.
    """

    at: Moment
    _table: pa.Table = field(compare=False)

    def __post_init__(self) -> None:
        """Gives each column a name of its own: none hides another."""
        names, notes = [*render.distinct(self._table.column_names)], self._table.schema.metadata
        if names != self._table.column_names:
            renamed = self._table.rename_columns(names).replace_schema_metadata(notes)
            object.__setattr__(self, "_table", renamed)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._table.column_names)

    @property
    def sources(self) -> list[str]:
        """What it was read from where that is not the newest state, a line a table: a version that
        Delta keeps, or rows of now by the ledger of commits.
        """
        return sources.of(self._table)

    @property
    def read_from(self) -> list[str]:
        """What a question about the past was answered from, a line a table; none for now."""
        return sources.of(self._table)

    @property
    def rows_read(self) -> int | None:
        """How many rows were taken out of files, after the conditions that are checked meanwhile;
        None where nobody counted.
        """
        found = scanned.of(self._table)
        return found.rows if found else None

    @property
    def bytes_read(self) -> int | None:
        """How many bytes of these files were read, as they are stored; None of a bucket too."""
        found = scanned.of(self._table)
        return found.bytes if found else None

    def arrow(self) -> pa.Table:
        """Returns the rows as a table of pyarrow: times in UTC, microseconds; nothing is copied."""
        return self._table

    def pl(self) -> pl.DataFrame:
        """Returns the rows as a frame of polars."""
        import polars

        found = polars.from_arrow(self._table)
        assert isinstance(found, polars.DataFrame)
        return found

    def df(self) -> pd.DataFrame:
        """Returns the rows as a frame of pandas; whole numbers with NULL become floats there."""
        found: pd.DataFrame = self._table.to_pandas()
        return found

    def scalar(self) -> Any:
        """Returns the value of an answer of one row and one column. Raises ValueError otherwise."""
        shape = (self._table.num_rows, self._table.num_columns)
        if shape != (1, 1):
            raise ValueError(f"{shape[0]} rows of {shape[1]} columns are no single value")
        return self._table.column(0)[0].as_py()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields each row as Python values."""
        for batch in self._table.to_batches():
            yield from batch.to_pylist()

    def __repr__(self) -> str:
        """Returns the first rows as `logpond sql` shows them, and how many there are."""
        out = io.StringIO()
        render.show(render.Rows.of_arrow(self._table.slice(0, SHOWN)), "table", out)
        return f"{out.getvalue()}{len(self):,} rows"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the first rows, every text in them escaped."""
        return str(self.pl()._repr_html_())
