"""Files hold one partition each, and say truly what is in them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import Lake, events
from support.windows import logged

from lakehouse import store
from lakehouse.store import files
from lakehouse.tables.catalog import LOGS

START = datetime(2026, 4, 1, tzinfo=UTC)


def spread(hours: int, each: int = 3) -> pa.Table:
    """Events of several hours, not in order of time."""
    times = [START + timedelta(hours=h) for _ in range(each) for h in reversed(range(hours))]
    parts = [events([n], timestamp=f"{t:%Y-%m-%dT%H:%M:%SZ}") for n, t in enumerate(times)]
    return pa.concat_tables(parts)


def facts(rows: pa.Table, **changed: Any) -> dict[str, Any]:
    """The statistics of rows, as readers see them."""
    found: dict[str, Any] = json.loads(files.statistics(dataclasses.replace(LOGS, **changed), rows))
    return found


@pytest.mark.slow
def test_a_file_holds_one_partition(lake: Lake) -> None:
    """Rows of 60 hours become 60 files, each with its own hour and nothing else's."""
    rows = spread(60)

    written = files.write(LOGS, rows, lake.places.table(LOGS), "part-1")

    assert len(written) == 60
    assert sum(f.rows for f in written) == rows.num_rows
    for file in written:
        where = Path(lake.places.table(LOGS)) / file.path
        times = pq.ParquetFile(where).read()["timestamp"].to_pylist()
        (of,) = {f"{t:%Y-%m-%d} {t.hour}" for t in times}
        assert of == f"{file.partition['date']} {file.partition['hour']}"
        assert where.stat().st_size == file.size


@pytest.mark.slow
def test_hundreds_of_partitions_are_kept_apart(lake: Lake) -> None:
    """Rows of 400 hours, more in some than in others: none lies in the hour of another."""
    times = [START + timedelta(hours=hour) for hour in range(400) for _ in range(1 + hour % 3)]
    written = files.write(LOGS, logged(times), lake.places.table(LOGS), "part-1")

    root = Path(lake.places.table(LOGS))
    for file in written:
        found = pq.read_table(root / file.path, partitioning=None)["timestamp"].to_pylist()
        assert {(f"{at.date()}", f"{at.hour}") for at in found} == {(*file.partition.values(),)}
    assert sum(file.rows for file in written) == len(times)


def test_what_is_written_is_read(lake: Lake) -> None:
    """Every row comes back as it was, whatever its partition."""
    rows = spread(5)
    lake.put(rows)

    read = store.open_table(lake.places, LOGS).to_pyarrow_table()

    order = [("timestamp", "ascending"), ("event_id", "ascending")]
    assert read.sort_by(order).to_pylist() == rows.sort_by(order).to_pylist()


def test_no_rows_make_no_file(lake: Lake) -> None:
    """An empty table of rows is nothing to write."""
    assert files.write(LOGS, spread(1).slice(0, 0), lake.places.table(LOGS), "part-1") == []


def test_delta_statistics_are_those_of_the_rows(lake: Lake) -> None:
    """What readers skip files by is what the rows hold."""
    rows = pa.concat_tables([events([4, 9], status_code=503), events([7], service="auth")])
    lake.put(rows)

    added = store.open_table(lake.places, LOGS).get_add_actions(flatten=True)
    (seen,) = pa.table(added).to_pylist()

    assert seen["num_records"] == 3
    for name in LOGS.statistics:
        values = rows[name].to_pylist()
        assert (seen[f"min.{name}"], seen[f"max.{name}"]) == (min(values), max(values))
        assert seen[f"null_count.{name}"] == 0


@pytest.mark.parametrize("moment", ["2026-05-01T12:00:00.123456Z", "1970-01-01T00:00:00.000001Z"])
def test_a_bound_of_time_is_exact(lake: Lake, moment: str) -> None:
    """A filter on the very microsecond finds the row: no bound is rounded past it."""
    import pyarrow.compute as pc

    lake.put(events([0], timestamp=moment))
    dataset = store.open_table(lake.places, LOGS).to_pyarrow_dataset()
    exactly = pc.field("timestamp") == pa.scalar(datetime.fromisoformat(moment))

    assert dataset.count_rows(filter=exactly) == 1


def test_long_text_has_no_bound_but_its_nulls(lake: Lake) -> None:
    """A bound cut short could hide rows, so a long text has none."""
    found = facts(events([0, 1], endpoint="/" + "x" * 500))

    assert "endpoint" not in found["minValues"] | found["maxValues"]
    assert found["nullCount"]["endpoint"] == 0


def test_nulls_are_counted_and_bound_nothing() -> None:
    """NULLs are counted; a column of nothing else has no bounds."""
    rows = pa.concat_tables([events([0]), events([1], user="ann")])

    some = facts(rows, statistics=("user",))
    none = facts(rows, statistics=("app",))

    assert some["nullCount"] == {"user": 1}
    assert some["minValues"] == some["maxValues"] == {"user": "ann"}
    assert (none["nullCount"], none["minValues"]) == ({"app": 2}, {})


def test_a_number_that_is_none_bounds_nothing() -> None:
    """NaN and infinity have no place in JSON; the column then has no bounds."""
    place = LOGS.columns.get_field_index("response_time")
    for strange in (float("nan"), float("inf"), float("-inf")):
        rows = events([0, 1]).set_column(place, "response_time", pa.array([1.0, strange]))

        found = facts(rows, statistics=("response_time",))

        assert found["minValues"] == found["maxValues"] == {}


def test_values_that_never_repeat_have_no_dictionary(lake: Lake) -> None:
    """Times are written as they are; services, of which there are few, by a dictionary."""
    rows = logged([START + timedelta(seconds=n) for n in range(100)])
    (file,) = files.write(LOGS, rows, lake.places.table(LOGS), "part-1")

    group = pq.read_metadata(Path(lake.places.table(LOGS)) / file.path).row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    found = {c.path_in_schema: "RLE_DICTIONARY" in c.encodings for c in columns}
    assert [found[name] for name in ("timestamp", "service")] == [False, True]
