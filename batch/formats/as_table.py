"""A dataset as a table that SQL finds by a name."""

from __future__ import annotations

from batch.formats.datasets import Dataset
from batch.formats.profile import Profile
from lakehouse.errors import SettingsError
from lakehouse.query.file_tables import FileTable


def as_table(name: str, dataset: Dataset, found: Profile) -> FileTable:
    """The table; SettingsError where one engine or the other would not read it the same way."""
    usual = dataset.usual
    _check(dataset)
    types = {column.column: column.type for column in found.columns}
    return FileTable(
        name=name,
        format="csv" if usual.format == "csv" else "ndjson",
        files=sorted(str(file.absolute()) for file in dataset.files),
        columns={column: types.get(column, "text") for column in dataset.columns},
        partitions=[key for key in dataset.partitions if key not in dataset.columns],
        delimiter=usual.delimiter or ",",
        header=usual.header,
    )


def _check(dataset: Dataset) -> None:
    if dataset.usual.format == "access":
        raise SettingsError(
            f"{dataset.root} is access logs: SQL does not read their lines",
            "`logpond import` brings them into the table logs",
        )
    for file, kind in dataset.files.items():
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
