"""Tables come into being and grow, however often and from however many processes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.event.schema import arrow_field, comment
from lakehouse.tables.catalog import LOGS, TABLES, Table

ADDED = pa.field("region", pa.string())
CREATE = """
import dataclasses, sys, time
import pyarrow as pa
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
wide = dataclasses.replace(LOGS, columns=LOGS.columns.append(pa.field("region", pa.string())))
time.sleep(max(0, float(sys.argv[2]) - time.time()))
store.create(Places(sys.argv[1], sys.argv[1]), wide)
"""


def with_columns(columns: pa.Schema) -> Table:
    """The table `logs` with other columns."""
    return dataclasses.replace(LOGS, columns=columns)


def create_at_once(lake: str, processes: int) -> list[str]:
    """Create `logs` with an added column from several processes; what they complained of."""
    command = [sys.executable, "-c", CREATE, lake, str(time.time() + 2)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(processes)]
    return [each.communicate()[1].decode() for each in started]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_created_table_is_as_declared(lake: Lake, table: Table) -> None:
    """Columns, types, comments, partitions and properties are those of the value."""
    found = store.create(lake.places, table)

    columns = pa.schema(found.schema().to_arrow())
    assert [(f.name, f.type, f.nullable) for f in columns] == [
        (f.name, f.type, f.nullable) for f in table.columns
    ]
    assert [comment(f) for f in columns] == [comment(f) for f in table.columns]
    assert found.metadata().partition_columns == [*table.partition_by]
    assert found.metadata().configuration == table.configuration


def test_create_again_changes_nothing(lake: Lake) -> None:
    """A repeat commits nothing."""
    store.create(lake.places, LOGS)

    assert store.create(lake.places, LOGS).version() == 0


@pytest.mark.faults
def test_processes_create_at_once(lake: Lake) -> None:
    """Two processes that create a table at the same time both have it, once."""
    faults = create_at_once(lake.places.lake, 3)

    assert faults == ["", "", ""]
    assert store.open_table(lake.places, LOGS).version() == 0


@pytest.mark.faults
def test_processes_evolve_at_once(lake: Lake) -> None:
    """Two processes that add the same column at the same time both have it, once."""
    store.create(lake.places, LOGS)

    faults = create_at_once(lake.places.lake, 3)

    assert faults == ["", "", ""]
    names = [f.name for f in store.open_table(lake.places, LOGS).schema().fields]
    assert names == [*LOGS.columns.names, "region"]


def test_added_nullable_column_evolves(lake: Lake) -> None:
    """Rows from before an added column stay, with NULL in it."""
    lake.put(events([0]))
    found = store.create(lake.places, with_columns(LOGS.columns.append(ADDED)))

    assert found.to_pyarrow_table(columns=["region"])["region"].to_pylist() == [None]


def test_added_required_column_is_refused(lake: Lake) -> None:
    """Rows from before could not have it."""
    store.create(lake.places, LOGS)
    required = arrow_field("region", pa.string(), "", nullable=False)

    with pytest.raises(TableError, match="region"):
        store.create(lake.places, with_columns(LOGS.columns.append(required)))


def test_removed_column_is_refused(lake: Lake) -> None:
    """A column that the code no longer knows stops the start, and is named."""
    store.create(lake.places, LOGS)
    place = LOGS.columns.get_field_index("user")

    with pytest.raises(TableError, match="user") as error:
        store.create(lake.places, with_columns(LOGS.columns.remove(place)))
    assert error.value.remedy


def test_retyped_column_is_refused(lake: Lake) -> None:
    """A column of another type stops the start, and is named."""
    store.create(lake.places, LOGS)
    place = LOGS.columns.get_field_index("status_code")
    retyped = LOGS.columns.set(place, pa.field("status_code", pa.string(), False))

    with pytest.raises(TableError, match="status_code") as error:
        store.create(lake.places, with_columns(retyped))
    assert error.value.remedy


def test_column_that_became_required_is_refused(lake: Lake) -> None:
    """Rows with NULL in it may be there."""
    store.create(lake.places, LOGS)
    place = LOGS.columns.get_field_index("user")
    required = LOGS.columns.set(place, pa.field("user", pa.string(), False))

    with pytest.raises(TableError, match="user"):
        store.create(lake.places, with_columns(required))


def test_folder_of_the_table_is_the_only_thing_made(lake: Lake, tmp_path: Path) -> None:
    """Creating one table makes no other."""
    store.create(lake.places, LOGS)

    assert [p.name for p in Path(lake.places.lake).iterdir()] == ["logs"]
