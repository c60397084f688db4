"""Answers of an engine as Arrow, with text for each value that Arrow or Python cannot hold."""

from __future__ import annotations

import re
from collections.abc import Container

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.duck import connect, quoted

# What Arrow has no type for, or one that loses a part: the zone of a time, digits, 24:00:00.
INEXACT = re.compile(
    r"TIMESTAMP WITH TIME ZONE"
    r'|(?<!")\b(TIME WITH TIME ZONE|TIME|INTERVAL|UHUGEINT|BIGNUM|BIT)\b(?!")'
)
TIMES = re.compile(r'(?<!")\b(TIMESTAMP(?: WITH TIME ZONE|_\w+)?|DATE)\b(?!")')
YEAR_1, YEAR_10000 = -62_135_596_800, 253_402_300_800
DAY, UNITS = 86_400, {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def exact(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Returns the relation with intervals, times with a zone, huge numbers and bits as text."""
    return _as_text(found, INEXACT, range(len(found.columns)))


def within_python(rows: pa.Table) -> pa.Table:
    """The same rows, with text in each column that has infinite times, or years before 1 or
    after 9999, which Python has not.
    """
    # by number, for two columns may have one name
    outside = [at for at, column in enumerate(rows.columns) if _is_outside(column)]
    if not outside:
        return rows
    with connect() as connection:
        found = _as_text(connection.from_arrow(rows), TIMES, outside).to_arrow_table()
    return found.rename_columns(rows.column_names)


def _as_text(
    found: duckdb.DuckDBPyRelation, kinds: re.Pattern[str], columns: Container[int]
) -> duckdb.DuckDBPyRelation:
    """Returns the relation with VARCHAR in place of some types, also in lists and structures."""
    types = [str(of) for of in found.types]
    wanted = [kinds.sub(lambda kind: "VARCHAR" if kind[1] else kind[0], of) for of in types]
    both = enumerate(zip(wanted, types, strict=True))
    wanted = [text if at in columns else of for at, (text, of) in both]
    if wanted == types:
        return found
    return found.project(
        ", ".join(
            f"{f'CAST(#{at} AS {kind})' if kind != of else f'#{at}'} AS {quoted(name)}"
            for at, (name, kind, of) in enumerate(zip(found.columns, wanted, types, strict=True), 1)
        )
    )


def _is_outside(column: pa.ChunkedArray) -> bool:
    if pa.types.is_date32(column.type) or pa.types.is_timestamp(column.type):
        return _has_years_of_others(column)
    if not pa.types.is_nested(column.type):
        return False
    try:
        column.to_pylist()
    except (OverflowError, ValueError):
        return True
    return False


def _has_years_of_others(column: pa.ChunkedArray) -> bool:
    is_date = pa.types.is_date32(column.type)
    whole = column.cast(pa.int32() if is_date else pa.int64())
    least, most = pc.min_max(whole).as_py().values()
    if least is None:
        return False
    scale = 1 if is_date else UNITS[column.type.unit]
    first, end = (y // DAY if is_date else y * scale for y in (YEAR_1, YEAR_10000))
    return bool(least < first or most >= end)
