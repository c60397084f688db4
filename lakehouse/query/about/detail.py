"""DESCRIBE DETAIL: one row about a table as it is now."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.event.schema import UTC_TIMESTAMP
from lakehouse.paths import Places, is_url
from lakehouse.store.log import Log

NAMES = pa.list_(pa.string())
COLUMNS = pa.schema(
    [
        ("format", pa.string()),
        ("id", pa.string()),
        ("name", pa.string()),
        ("description", pa.string()),
        ("location", pa.string()),
        ("createdAt", UTC_TIMESTAMP),
        ("lastModified", UTC_TIMESTAMP),
        ("partitionColumns", NAMES),
        ("clusteringColumns", NAMES),
        ("numFiles", pa.int64()),
        ("sizeInBytes", pa.int64()),
        ("properties", pa.map_(pa.string(), pa.string())),
        ("minReaderVersion", pa.int32()),
        ("minWriterVersion", pa.int32()),
        ("tableFeatures", NAMES),
    ]
)
# What a version of the protocol brings with it; from reader 3 and writer 7 on features are listed.
OF_WRITERS = {
    2: ("appendOnly", "invariants"),
    3: ("checkConstraints",),
    4: ("changeDataFeed", "generatedColumns"),
    5: ("columnMapping",),
    6: ("identityColumns",),
}


def detail(places: Places, name: str) -> pa.Table:
    """Returns one row, or raises TableError where the table cannot be read."""
    found = store.open_table(places, name)
    about, adds, protocol = found.metadata(), store.data_files(found), found.protocol()
    place = places.table(name)
    row = {
        "format": "delta",
        "id": str(about.id),
        "name": about.name,
        "description": about.description,
        "location": place if is_url(place) else f"file:{place}",
        "createdAt": _time(about.created_time),
        "lastModified": Log(places, name).time(found.version()),
        "partitionColumns": about.partition_columns,
        "clusteringColumns": [],
        "numFiles": adds.num_rows,
        "sizeInBytes": pc.sum(adds["size_bytes"]).as_py() or 0,
        "properties": about.configuration,
        "minReaderVersion": protocol.min_reader_version,
        "minWriterVersion": protocol.min_writer_version,
        "tableFeatures": features(found),
    }
    return pa.Table.from_pylist([row], COLUMNS)


def features(found: DeltaTable) -> list[str]:
    """Returns the features of a table's protocol, also those that its versions only imply."""
    protocol = found.protocol()
    least = protocol.min_writer_version
    implied = [f for of, names in OF_WRITERS.items() if of <= least < 7 for f in names]
    listed = [*(protocol.reader_features or []), *(protocol.writer_features or [])]
    return sorted({*implied, *listed})


def _time(millis: int | None) -> datetime | None:
    return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC)
