"""The second writer: Spark's own, through delta-spark, for lakes that a Spark catalog owns.

On a folder its commit checks, then renames, safe inside one JVM only: there one process at a time
may hold a table, and no other writer may touch it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.event.schema import struct_type
from lakehouse.paths import Places
from lakehouse.store import files, objects
from lakehouse.store.commit import Key, is_done, note
from lakehouse.store.files import DataFile
from lakehouse.store.lock import alone
from lakehouse.store.read import NOTE, WRITER_PROPERTY, check_writer, open_table, table_or_none
from lakehouse.store.schema import missing_columns
from lakehouse.tables.catalog import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Spark passes over files whose name begins with an underscore.
STAGED = "staged"


class SparkWriter:
    """Commits by Spark; files that others wrote are read and written again by it."""

    def __init__(self, places: Places, table: Table, spark: SparkSession) -> None:
        self._places, self._table, self._spark = places, table, spark
        self._root = places.table(table)
        self._held = ExitStack()
        self._held.enter_context(alone(f"{self._root}.writer", f"Spark's writer of {table.name}"))
        try:
            self._prepare()
        except BaseException:
            self._held.close()
            raise

    def last(self, app: str) -> int | None:
        """The version of the newest commit of `app`, None before its first."""
        return open_table(self._places, self._table).transaction_version(app)

    def commit(self, written: Sequence[DataFile], key: Key) -> bool:
        """Add the rows of files, unless `key` was committed before; whether it was done now."""
        if is_done(self.last(key.app), key):
            return False
        self._save(self._rows(written), written, key)
        folder = objects.store(self._root)
        for file in written:
            objects.delete(folder, file.path)
        return True

    def append(self, rows: pa.Table, key: Key) -> bool:
        """Write rows and add them, unless `key` was committed before; whether it was done now."""
        if is_done(self.last(key.app), key):
            return False
        return self.commit(
            files.write(self._table, rows, self._root, f"{STAGED}-{key.version}"), key
        )

    def close(self) -> None:
        """Let another process have the table."""
        self._held.close()

    def _rows(self, written: Sequence[DataFile]) -> DataFrame:
        paths = [f"{self._root}/{file.path}" for file in written]
        rows = self._spark.read.schema(struct_type(self._table.columns)).option(
            "basePath", self._root
        )
        return rows.parquet(*paths)

    def _save(self, rows: DataFrame, written: Sequence[DataFile], key: Key) -> None:
        (
            rows.write.format("delta")
            .mode("append")
            .option("txnAppId", key.app)
            .option("txnVersion", key.version)
            .option("userMetadata", f'{{"{NOTE}": {note(written, key)}}}')
            .save(self._root)
        )

    def _prepare(self) -> None:
        """The table, made when missing, with the columns that the code has gained since."""
        found = table_or_none(self._places, self._table)
        if found is None:
            self._create()
            return
        check_writer(found, "spark")
        if missing_columns(found, self._table):
            none = self._spark.createDataFrame([], struct_type(self._table.columns))
            added = none.write.format("delta").mode("append").option("mergeSchema", "true")
            added.save(self._root)

    def _create(self) -> None:
        from delta.tables import DeltaTable

        properties = {
            **self._table.configuration,
            "delta.enableExpiredLogCleanup": "true",
            WRITER_PROPERTY: "spark",
        }
        builder = DeltaTable.createIfNotExists(self._spark).location(self._root)
        builder = builder.addColumns(struct_type(self._table.columns))
        builder = builder.partitionedBy(*self._table.partition_by).comment(self._table.comment)
        for name, value in properties.items():
            builder = builder.property(name, value)
        builder.execute()
