"""Tables of files as Spark reads them: the rows that DuckDB has of the same files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakehouse.query.file_tables import FileTable, of_folder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SPARK = {
    "integer": "try_cast({0} AS BIGINT)",
    "number": "try_cast({0} AS DOUBLE)",
    "time": "try_cast({0} AS TIMESTAMP)",
    "clf time": "try_to_timestamp(trim(BOTH '[]' FROM {0}), 'dd/MMM/yyyy:HH:mm:ss Z')",
    "boolean": "try_cast({0} AS BOOLEAN)",
    "text": "{0}",
}
# Spark takes a path for a pattern.
PATTERN = re.compile(r"([\\{}\[\]*?])")


def rows(spark: SparkSession, table: FileTable) -> DataFrame:
    """The rows of the files, without broken ones."""
    text = ", ".join(f"{_quoted(name)} STRING" for name in table.columns)
    reader = spark.read.schema(text).option("mode", "DROPMALFORMED")
    files = ["file://" + PATTERN.sub(r"\\\1", file) for file in table.files]
    if table.format == "csv":
        # without pruning a row is broken or not whatever the question is
        reader = reader.options(sep=table.delimiter, header=table.header, columnPruning=False)
        found = reader.options(quote='"', escape='"', multiLine=True).csv(files)
    else:
        found = reader.json(files)
    return found.dropna("all").selectExpr(*_columns(table))


def _columns(table: FileTable) -> Iterator[str]:
    for name, kind in table.columns.items():
        yield f"{SPARK[kind].format(_quoted(name))} AS {_quoted(name)}"
    for key in table.partitions:
        path = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
        yield f"regexp_extract({path}, '{of_folder(key)}', 1) AS {_quoted(key)}"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
