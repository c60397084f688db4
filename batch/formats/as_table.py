"""A dataset as a table with a name that SQL can use."""

from __future__ import annotations

from batch.formats.datasets import Dataset
from batch.formats.profile import Profile
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import text_of
from lakehouse.formats.registry import named
from lakehouse.query.file_tables import FileTable


def as_table(name: str, dataset: Dataset, found: Profile) -> FileTable:
    """Returns the table. Raises SettingsError where DuckDB and Spark would read it differently."""
    usual = dataset.usual
    _check(dataset)
    types = {column.column: column.type for column in found.columns}
    # of objects within objects SQL sees the outer ones
    names = dataset.columns if usual.format == "csv" else (c.split(".")[0] for c in dataset.columns)
    columns = list(dict.fromkeys(names))
    return FileTable(
        name=name,
        format="csv" if usual.format == "csv" else "ndjson",
        files=sorted(str(file.absolute()) for file in dataset.files),
        columns={column: types.get(column, "text") for column in columns},
        partitions=[key for key in dataset.partitions if key not in columns],
        delimiter=usual.delimiter or ",",
        header=usual.header,
    )


def _check(dataset: Dataset) -> None:
    usual, format = dataset.usual, named(dataset.usual.format)
    is_plain = not {*usual.options} & {"layout", "skip", "escape"}
    if not is_plain or not (format.is_json or usual.format == "csv"):
        raise SettingsError(
            f"{dataset.root} is {format.title}: SQL does not read its lines",
            "`logpond import` brings them into the table logs",
        )
    for file, kind in dataset.files.items():
        if text_of(file) != str(file):
            raise SettingsError(
                f"the name of {dataset.inside(file)} is no UTF-8, and SQL opens no such file",
                "rename it; `logpond import` takes it as it is",
            )
        if kind.format == "csv" and kind.columns != dataset.usual.columns:
            raise SettingsError(
                f"{dataset.inside(file)} has other columns than the other files",
                "name files of the same columns, in the same order",
            )
        if kind.compressed != file.name.endswith(".gz"):
            raise SettingsError(
                f"{dataset.inside(file)} is {'' if kind.compressed else 'not '}gzip",
                "Spark goes by the name: let those, and no others, end in .gz",
            )
