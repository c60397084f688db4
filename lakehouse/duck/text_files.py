"""Files of text as DuckDB reads them: every column as text, broken rows left out or NULL."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.duck.types import literal, one_file

PLAIN, GZIP = "none", "gzip"


def read_csv(
    files: Sequence[str], columns: Sequence[str], delimiter: str, header: bool, more: str
) -> str:
    """The call that reads CSV files of these columns; `more` are further settings of it."""
    return (
        f"read_csv({_common(files, columns)}, auto_detect = false, delim = {literal(delimiter)}, "
        f"quote = '\"', escape = '\"', header = {header}, ignore_errors = true, {more})"
    )


def read_ndjson(files: Sequence[str], columns: Sequence[str], more: str) -> str:
    """The call that reads JSON lines; a line that is no object is a row of NULLs."""
    return (
        f"read_json({_common(files, columns)}, format = 'newline_delimited', records = 'true', "
        f"ignore_errors = true, {more})"
    )


def _common(files: Sequence[str], columns: Sequence[str]) -> str:
    names = ", ".join(literal(one_file(file)) for file in files)
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    return f"[{names}], columns = {{{types}}}"
