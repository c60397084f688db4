"""The two places of the same events: raw files, read as text, and the table `logs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from batch.formats.kind import Kind, sniff
from batch.formats.raw import reach
from batch.imports.reading import Overrides, reading
from batch.scan_cost.cost import Source
from batch.scan_cost.native import is_native, relation
from lakehouse.duck import Pinned, connect, literal, quoted
from lakehouse.errors import SettingsError
from lakehouse.event.fields import DerivedFields, LogEvent
from lakehouse.formats.registry import named
from lakehouse.paths import Places, is_url
from lakehouse.query.confined import whole
from lakehouse.tables.catalog import LOGS

if TYPE_CHECKING:
    import duckdb

# What decoding derives from others in SQL's reach; agents and route templates are not.
DERIVED = {
    "date": ("timestamp", "CAST(timestamp AS DATE)"),
    "hour": ("timestamp", "CAST(date_part('hour', timestamp) AS INTEGER)"),
    "status_class": ("status_code", "concat(status_code // 100, 'xx')"),
    "is_error": ("status_code", "status_code >= 400"),
}
# RFC 3339, as import wants it.
WRITTEN = {"timestamp": "strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp"}
EVENT = tuple(LogEvent.__dataclass_fields__)
COLUMNS = (*EVENT, *DerivedFields.__dataclass_fields__)


@dataclass(frozen=True)
class Stored:
    """The table at a version."""

    root: str
    table: DeltaTable

    @classmethod
    def of(cls, places: Places, table: DeltaTable) -> Stored:
        """`logs` as it is opened; SettingsError at a URL, where DuckDB reads by another's hands."""
        if is_url(places.lake):
            raise SettingsError("scan-cost measures a lake in a folder", "copy the lake to one")
        return cls(places.table(LOGS), table)

    @property
    def types(self) -> dict[str, str]:
        """Each column's type, as DuckDB names it."""
        return self._pinned().columns

    def source(self) -> Source:
        """What is measured: its files by the log, and rows out of those that a question needs."""
        sizes = self._pinned().adds["size_bytes"].to_pylist()
        return Source("lake", len(sizes), sum(sizes), self._open, whole([self.root]))

    def write(self, folder: Path) -> None:
        """Its events as CSV, a file a day, as they would lie there without a lake."""
        chosen = ", ".join(WRITTEN.get(name, quoted(name)) for name in EVENT if name in self.types)
        with connect() as connection:
            self._pinned().create_view(connection, LOGS.name)
            connection.execute(
                f"COPY (SELECT {chosen}, date FROM logs) "
                f"TO {literal(str(folder))} "
                "(FORMAT csv, HEADER, PARTITION_BY (date), WRITE_PARTITION_COLUMNS false, "
                "OVERWRITE_OR_IGNORE)"
            )

    def _open(self, connection: duckdb.DuckDBPyConnection) -> None:
        newest = DeltaTable(self.root, version=self.table.version())
        Pinned.of(LOGS.name, self.root, newest).create_view(connection, LOGS.name)

    def _pinned(self) -> Pinned:
        return Pinned.of(LOGS.name, self.root, self.table)


@dataclass(frozen=True)
class Raw:
    """Files that hold events as text: what each is, and which column is which field."""

    files: Mapping[Path, Kind]
    overrides: Overrides

    @classmethod
    def of(cls, files: Iterable[Path], overrides: Overrides) -> Raw:
        """Files as they are recognised; SettingsError for one that DuckDB does not read."""
        kinds = {file: sniff(file) for file in files}
        lines = next((file for file, kind in kinds.items() if not is_native(kind)), None)
        if lines:
            raise SettingsError(
                f"{lines} is {named(kinds[lines].format).title}: SQL does not read its lines",
                "give CSV or NDJSON, or no --raw: then `logs` itself is written as CSV",
            )
        return cls(kinds, overrides)

    def source(self, types: Mapping[str, str]) -> Source:
        """What is measured: all of the files, with columns of the types that the lake has."""
        size = sum(file.stat().st_size for file in self.files)

        def view(connection: duckdb.DuckDBPyConnection) -> None:
            rows = relation(self.files)
            connection.execute(f"CREATE TEMP VIEW logs AS {self._typed(rows, types)}")

        return Source("raw", len(self.files), size, view, reach(self.files))

    def _typed(self, rows: str, types: Mapping[str, str]) -> str:
        """Text as fields of an event, and what follows from them."""
        file, kind = next(iter(self.files.items()))
        read = reading(file, kind, self.overrides)
        fields = {
            to: f"TRY_CAST({quoted(name)} AS {types[to]})"
            for name, to in read.mapping.items()
            if to in types
        }
        fields |= {
            to: f"CAST({literal(value)} AS {types[to]})" for to, value in read.constants.items()
        }
        if not fields:
            raise SettingsError(
                f"{file} has no column of an event", "name some: --map COLUMN=FIELD"
            )
        chosen = ", ".join(f"{made} AS {quoted(to)}" for to, made in fields.items())
        derived = [f"{made} AS {name}" for name, (of, made) in DERIVED.items() if of in fields]
        return f"SELECT {', '.join(['*', *derived])} FROM (SELECT {chosen} FROM ({rows}))"
