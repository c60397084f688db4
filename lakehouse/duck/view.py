"""A pinned Delta table as a DuckDB view over the exact files of its version."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.duck.types import duck_type, literal, quoted
from lakehouse.errors import TableError
from lakehouse.paths import is_url


def create_view(
    connection: duckdb.DuckDBPyConnection, name: str, root: str, at: DeltaTable
) -> None:
    """Make `name` answer with the rows of a table at its version.

    TableError where DuckDB would read the files of the table wrongly.
    """
    _check(name, at)
    if is_url(root):
        # DuckDB would have to download an extension for this.
        connection.register(name, at.to_pyarrow_dataset())
        return
    connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {_select(connection, name, root, at)}")


def _select(connection: Any, name: str, root: str, at: DeltaTable) -> str:
    adds = pa.table(at.get_add_actions())
    columns = {f.name: duck_type(f.type) for f in at.schema().fields}
    keys = at.metadata().partition_columns
    if not adds.num_rows:
        nothing = ", ".join(f"NULL::{kind} AS {quoted(c)}" for c, kind in columns.items())
        return f"SELECT {nothing} WHERE false"
    files = [f"{root}/{unquote(path)}" for path in adds["path"].to_pylist()]
    stored = {c: kind for c, kind in columns.items() if c not in keys}
    read = f"read_parquet([{', '.join(map(literal, files))}], {_options(stored)}) AS r"
    if not keys:
        return f"SELECT * FROM {read}"
    values = adds["partition"].to_pylist()
    if _is_in_paths(adds["path"].to_pylist(), keys, values):
        given = {key: _from_path(root, depth, key) for depth, key in enumerate(keys)}
    else:
        _register_values(connection, f"{name} partitions", files, keys, values)
        read += f" JOIN {quoted(f'{name} partitions')} AS p ON p._file = r.filename"
        given = {key: f"p.{quoted(key)}" for key in keys}
    chosen = ", ".join(
        f"CAST({given[c]} AS {kind}) AS {quoted(c)}" if c in given else f"r.{quoted(c)}"
        for c, kind in columns.items()
    )
    return f"SELECT {chosen} FROM {read}"


def _options(stored: dict[str, str]) -> str:
    """With a schema no footer is opened to bind, and a column that a file lacks reads NULL."""
    fields = (
        f"{literal(c)}: {{name: {literal(c)}, type: {literal(kind)}, default_value: NULL}}"
        for c, kind in stored.items()
    )
    return f"hive_partitioning = false, schema = MAP {{{', '.join(fields)}}}"


def _is_in_paths(paths: list[str], keys: list[str], values: list[dict[str, Any]]) -> bool:
    """Whether each path names its partition plainly, as key=value folders in order."""
    return all(
        path.startswith("".join(f"{key}={value[key]}/" for key in keys))
        for path, value in zip(paths, values, strict=True)
    )


def _from_path(root: str, depth: int, key: str) -> str:
    """Text of a folder's value: DuckDB folds it for each file, and skips files by it."""
    part = root.count("/") + 2 + depth
    return f"substr(split_part(r.filename, '/', {part}), {len(key) + 2})"


def _register_values(
    connection: Any, name: str, files: list[str], keys: list[str], values: list[dict[str, Any]]
) -> None:
    columns = {key: pa.array([value[key] for value in values]) for key in keys}
    connection.register(name, pa.table({"_file": files, **columns}))


def _check(name: str, at: DeltaTable) -> None:
    configuration = at.metadata().configuration or {}
    mapped = configuration.get("delta.columnMapping.mode", "none") != "none"
    features = at.protocol().reader_features or []
    if mapped or ("deletionVectors" in features and at.deletion_vectors().read_all().num_rows):
        raise TableError(
            f"table {name} uses a feature of Delta that DuckDB's reader does not know",
            "read it with --engine spark",
        )
