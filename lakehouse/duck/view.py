"""A pinned Delta table as a DuckDB view over the exact files of its version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, Field

from lakehouse.duck.bucket import BucketFiles
from lakehouse.duck.types import duck_type, literal, one_file, quoted
from lakehouse.errors import TableError
from lakehouse.paths import is_url
from lakehouse.store import data_files

# The column that says which file a row is of. Asked for by name it lets DuckDB 2.0 skip files; its
# own virtual one does not, and an ORDER BY with LIMIT over it fails.
FILE = "_logpond_file"


@dataclass(frozen=True)
class Cut:
    """Files, by their paths, of which only the rows `where` (SQL) are meant."""

    paths: frozenset[str]
    where: str


@dataclass(frozen=True)
class Pinned:
    """A table at a version as a value: the files that hold it, or those that a question needs.

    TableError in the making where DuckDB would read them wrongly. At a URL the files are a dataset.
    Of files in `cut` not all rows are meant. With `has_file` there is a column `_logpond_file`: the
    path of the file of a row, in a folder with its root.
    """

    root: str
    columns: dict[str, str]
    keys: list[str]
    adds: pa.Table
    dataset: BucketFiles | None = None
    cut: Cut | None = None
    has_file: bool = False

    @classmethod
    def of(cls, name: str, root: str, at: DeltaTable) -> Pinned:
        """A table as it is opened."""
        _check(name, at)
        return cls(
            root,
            {f.name: duck_type(f.type) for f in at.schema().fields},
            at.metadata().partition_columns,
            adds := data_files(at),
            BucketFiles(at, adds) if is_url(root) else None,
        )

    @property
    def files(self) -> list[str]:
        """The paths of the files, with the root."""
        return [f"{self.root}/{unquote(path)}" for path in self.adds["path"].to_pylist()]

    def rows(self) -> int | None:
        """How many there are by the log; None where a commit did not say it of its file."""
        counts = self.adds["num_records"]
        if counts.null_count or pc.any(self.is_cut()).as_py():
            return None
        rows: int | None = pc.sum(counts, min_count=0).as_py()
        return rows

    def with_columns(self, columns: pa.Schema) -> Pinned:
        """With columns that were added to the table after this version; they are NULL in it."""
        later = {f.name: duck_type(Field.from_arrow(f).type) for f in columns}
        missing = {name: kind for name, kind in later.items() if name not in self.columns}
        return replace(self, columns=self.columns | missing)

    def only(self, files: pa.Array | pa.ChunkedArray) -> Pinned:
        """With the files for which this is true."""
        adds = self.adds.filter(files)
        dataset = None if self.dataset is None else self.dataset.only(adds)
        return replace(self, adds=adds, dataset=dataset)

    def with_file(self) -> Pinned:
        """With the column that says of which file a row is."""
        dataset = None if self.dataset is None else self.dataset.with_file(FILE)
        return replace(self, dataset=dataset, has_file=True)

    def create_view(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Make `name` answer with the rows."""
        select = self._select(connection, name)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {select}")

    def _select(self, connection: duckdb.DuckDBPyConnection, name: str) -> str:
        is_cut = self.is_cut()
        if self.cut is None or not pc.any(is_cut).as_py():
            return self._select_all(connection, name)
        some, whole = self.only(is_cut), self.only(pc.invert(is_cut))
        of_some = some._select_all(connection, f"{name} in part")
        of_some = f"SELECT * FROM ({of_some}) WHERE {self.cut.where}"
        if not whole.adds.num_rows:
            return of_some
        return f"{whole._select_all(connection, name)} UNION ALL {of_some}"

    def _select_all(self, connection: duckdb.DuckDBPyConnection, name: str) -> str:
        if self.dataset is None:
            return _select(connection, name, self)
        return _select_dataset(connection, name, self, self.dataset)

    def is_cut(self) -> pa.ChunkedArray:
        """For each file, whether only some of its rows are meant."""
        paths = sorted(self.cut.paths) if self.cut else []
        # of no file at all not even the type may be known
        return pc.is_in(self.adds["path"].cast(pa.string()), pa.array(paths, pa.string()))


def create_view(
    connection: duckdb.DuckDBPyConnection, name: str, root: str, at: DeltaTable
) -> None:
    """Make `name` answer with the rows of a table at its version.

    TableError where DuckDB would read the files of the table wrongly.
    """
    Pinned.of(name, root, at).create_view(connection, name)


def _select(connection: Any, name: str, table: Pinned) -> str:
    adds, columns, keys, root = table.adds, table.columns, table.keys, table.root
    if not adds.num_rows:
        wanted = {**columns, FILE: "VARCHAR"} if table.has_file else columns
        nothing = ", ".join(f"NULL::{kind} AS {quoted(c)}" for c, kind in wanted.items())
        return f"SELECT {nothing} WHERE false"
    files = table.files
    stored = {c: kind for c, kind in columns.items() if c not in keys}
    names = ", ".join(literal(one_file(file)) for file in files)
    read = f"read_parquet([{names}], {options(stored)}) AS r"
    if not keys:
        return f"SELECT {'*' if table.has_file else f'* EXCLUDE ({FILE})'} FROM {read}"
    values = adds["partition"].to_pylist()
    if _is_in_paths(adds["path"].to_pylist(), keys, values):
        given = {key: _from_path(root, depth, key) for depth, key in enumerate(keys)}
    else:
        _register_values(connection, f"{name} partitions", files, keys, values)
        read += f" JOIN {quoted(f'{name} partitions')} AS p ON p._file = r.{FILE}"
        given = {key: f"p.{quoted(key)}" for key in keys}
    selected = ", ".join(
        f"CAST({given[c]} AS {kind}) AS {quoted(c)}" if c in given else f"r.{quoted(c)}"
        for c, kind in columns.items()
    )
    of_file = f", r.{FILE}" if table.has_file else ""
    return f"SELECT {selected}{of_file} FROM {read}"


def _select_dataset(connection: Any, name: str, table: Pinned, dataset: BucketFiles) -> str:
    connection.register(f"{name} files", dataset)
    there = dataset.schema.names
    wanted = {**table.columns, FILE: "VARCHAR"} if table.has_file else table.columns
    columns = ", ".join(
        quoted(c) if c in there else f"NULL::{kind} AS {quoted(c)}" for c, kind in wanted.items()
    )
    return f"SELECT {columns} FROM {quoted(f'{name} files')}"


def options(stored: dict[str, str]) -> str:
    """With a schema no footer is opened to bind, and a column that a file lacks reads NULL."""
    fields = (
        f"{literal(c)}: {{name: {literal(c)}, type: {literal(kind)}, default_value: NULL}}"
        for c, kind in stored.items()
    )
    known = f"schema = MAP {{{', '.join(fields)}}}"
    return f"hive_partitioning = false, filename = {literal(FILE)}, {known}"


def _is_in_paths(paths: list[str], keys: list[str], values: list[dict[str, Any]]) -> bool:
    """Whether each path names its partition plainly, as key=value folders in order."""
    return all(
        path.startswith("".join(f"{key}={value[key]}/" for key in keys))
        for path, value in zip(paths, values, strict=True)
    )


def _from_path(root: str, depth: int, key: str) -> str:
    """Text of a folder's value: DuckDB folds it for each file, and skips files by it."""
    part = root.count("/") + 2 + depth
    return f"substr(split_part(r.{FILE}, '/', {part}), {len(key) + 2})"


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
