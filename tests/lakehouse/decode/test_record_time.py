"""Any record that Kafka can hold, whatever its time says, ends as a row or as a reject."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import LIMITS, message

from lakehouse.decode import RAW, decode, record_time
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.store import DataFile
from lakehouse.tables.catalog import LOGS, QUARANTINE

INT64 = st.integers(-(2**63), 2**63 - 1)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOOD = message(timestamp="2026-05-01T11:59:00Z")
HOSTILE_MILLIS = [
    1_777_636_740_000_000_000,  # ns
    1_777_636_740_000_000,  # us
    -62_135_596_800_000,  # year 1
    -62_200_000_000_000,  # before it
    253_402_300_800_000,  # year 10000
    -(2**63),
    2**63 - 1,
    -1,
    0,
]
RECORDS = st.tuples(
    st.none() | st.binary(max_size=20) | st.just(GOOD),
    INT64 | st.sampled_from(HOSTILE_MILLIS),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
)


def rows(values: list[Any], millis: list[int], at: list[tuple[int, int]]) -> pa.RecordBatch:
    """Raw rows as they are fetched."""
    count = len(values)
    columns = [values, ["t"] * count, [p for p, _ in at], [o for _, o in at]]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, RAW, strict=False)]
    times = record_time.of_millis(pa.array(millis, pa.int64()))
    return pa.RecordBatch.from_arrays([*arrays, times], schema=RAW)


def written(raw: pa.RecordBatch, when: datetime = NOW) -> list[tuple[DataFile, pa.Table]]:
    """The files that a task makes of rows, and what is in them."""
    with TemporaryDirectory() as folder:
        roots = {t.name: f"{folder}/{t.name}" for t in (LOGS, QUARANTINE)}
        task = DecodeToFiles(roots, "test:0", "part", when, LIMITS, decode)
        files = [*task([raw])]
        return [(f, pq.ParquetFile(Path(roots[f.table]) / f.path).read()) for f in files]


@given(st.lists(RECORDS, max_size=6))
def test_every_record_ends_in_a_file(records: list[tuple[Any, int, int, int]]) -> None:
    """Whatever its value, time and coordinates: once, and all of it can be read back."""
    values, millis, partitions, offsets = zip(*records, strict=True) if records else ([],) * 4
    at = [*zip(partitions, offsets, strict=True)]

    found = [
        row for _, rows_of in written(rows([*values], [*millis], at)) for row in rows_of.to_pylist()
    ]

    assert sorted((row["_partition"], row["_offset"]) for row in found) == sorted(at)
    assert all(1970 <= row["_kafka_timestamp"].year <= 9999 for row in found)


@given(INT64)
def test_one_time_is_judged_as_many_are(millis: int) -> None:
    """What Python asks of one record is what Arrow asks of a column."""
    (stored,) = record_time.of_millis(pa.array([millis])).cast(pa.int64()).to_pylist()
    assert stored == (millis * 1000 if record_time.is_time(millis) else record_time.NO_TIME)


@given(INT64)
def test_any_time_that_a_table_could_hold_is_judged(micros: int) -> None:
    """Raw rows from elsewhere (a replay, an old lake) pass the same rule."""
    raw = rows([GOOD, b"oops"], [1, 1], [(0, 0), (0, 1)])
    taken = pa.array([micros] * 2, pa.int64()).cast(RAW.field("_kafka_timestamp").type)
    raw = raw.set_column(4, "_kafka_timestamp", taken)

    found = decode(raw, LIMITS)

    assert found.events.num_rows + found.rejects.num_rows == 2
    assert all(row["date"].year >= 1970 for row in found.rejects.to_pylist())


@pytest.mark.parametrize("millis", HOSTILE_MILLIS)
def test_a_record_without_a_time_is_refused(millis: int) -> None:
    """A good payload cannot be judged by a time that is none; it is kept, of today."""
    ((file, found),) = written(rows([GOOD], [millis], [(0, 0)]))

    assert (file.table, file.partition) == (QUARANTINE.name, {"date": "2026-05-01"})
    (row,) = found.to_pylist()
    assert (row["reason"], row["_kafka_timestamp"]) == ("bad_record_time", EPOCH)


@pytest.mark.parametrize(
    ("taken", "day"),
    [
        (NOW - timedelta(days=4000), date(2015, 5, 19)),
        (NOW + timedelta(hours=12), date(2026, 5, 2)),
        (NOW + timedelta(days=3), NOW.date()),
        (datetime(9000, 1, 1, tzinfo=UTC), NOW.date()),
        (datetime(1970, 1, 21, tzinfo=UTC), NOW.date()),
    ],
)
def test_a_reject_lies_on_a_day_that_retention_can_trust(taken: datetime, day: date) -> None:
    """The day of the broker's time, or of ingest where no broker's clock can have shown it."""
    ((file, _),) = written(rows([b"oops"], [int(taken.timestamp() * 1000)], [(0, 0)]))

    assert file.partition == {"date": str(day)}
