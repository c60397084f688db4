"""What data files hold: rows and a checksum of each file, and how many of them a proof knows.

A checksum is the sum of a hash of each row with all columns: it says which rows they are, in
whatever files and order they lie. It is comparable among the same engine and the same columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import duckdb

from lakehouse.duck import Pinned, quoted
from lakehouse.duck.view import FILE

ENGINE = f"duckdb {duckdb.__version__}"
MODULUS = 1 << 64
VIEW = "rows_of_files"
COUNTS = """
SELECT file, count(*), (sum(h) % {modulus}::HUGEINT)::UBIGINT, count(*) FILTER (is_old),
    (coalesce(sum(h) FILTER (is_old), 0) % {modulus}::HUGEINT)::UBIGINT,
    count(*) FILTER (NOT is_proved)
FROM (SELECT r.{file} AS file, hash({columns}) AS h, {is_old} AS is_old, {is_proved} AS is_proved
    FROM {view} AS r {join})
GROUP BY file
"""


class Rows(NamedTuple):
    """Rows of a file and their checksum; those of an earlier proof; how many none proves now."""

    rows: int
    checksum: int
    old_rows: int = 0
    old_checksum: int = 0
    unproved: int = 0


class Question(NamedTuple):
    """SQL of a row `r`, joined by `join`: an earlier proof has it, and the next one will."""

    is_old: str = "false"
    is_proved: str = "true"
    join: str = ""


NOTHING = Rows(0, 0)
ALL = Question()


def contents(
    connection: duckdb.DuckDBPyConnection,
    pinned: Pinned,
    columns: Sequence[str],
    question: Question = ALL,
) -> dict[str, Rows]:
    """Returns what each file of a table has, by its path."""
    if not pinned.adds.num_rows:
        return {}
    pinned.with_file().create_view(connection, VIEW)
    query = COUNTS.format(
        modulus=MODULUS,
        file=FILE,
        columns=", ".join(f"r.{quoted(name)}" for name in columns),
        view=VIEW,
        **question._asdict(),
    )
    found = connection.execute(query).fetchall()
    root = f"{pinned.root}/"
    return {str(file).removeprefix(root): Rows(*rows) for file, *rows in found}


def total(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Returns rows and checksum of several files together."""
    rows, checksum = 0, 0
    for count, of in counts:
        rows, checksum = rows + count, (checksum + of) % MODULUS
    return rows, checksum
