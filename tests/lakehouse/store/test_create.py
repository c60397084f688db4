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

ADDED = pa.field("no_field", pa.string())
CREATE = """
import dataclasses, sys, time
import pyarrow as pa
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
wide = dataclasses.replace(LOGS, columns=LOGS.columns.append(pa.field("no_field", pa.string())))
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
    assert names == [*LOGS.columns.names, "no_field"]


def test_added_nullable_column_evolves(lake: Lake) -> None:
    """Rows from before an added column stay, with NULL in it."""
    lake.put(events([0]))
    found = store.create(lake.places, with_columns(LOGS.columns.append(ADDED)))

    assert found.to_pyarrow_table(columns=["no_field"])["no_field"].to_pylist() == [None]


def test_added_required_column_is_refused(lake: Lake) -> None:
    """Rows from before could not have it."""
    store.create(lake.places, LOGS)
    required = arrow_field("no_field", pa.string(), "", nullable=False)

    with pytest.raises(TableError, match="no_field"):
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


def strict() -> Table:
    """`logs` as it was when each event was a request."""
    columns = LOGS.columns
    for name in ("endpoint", "status_code", "ip"):
        place = columns.get_field_index(name)
        columns = columns.set(place, columns.field(place).with_nullable(False))
    return with_columns(columns)


def test_column_that_became_optional_may_be_null(lake: Lake) -> None:
    """Rows from before stay, a row without a value is taken, and the older version is as it was."""
    store.create(lake.places, strict())
    lake.put(events([0]), table=strict())
    store.create(lake.places, LOGS)
    lake.put(events([1], ip=None))

    found = store.open_table(lake.places, LOGS)
    assert sorted(found.to_pyarrow_table()["ip"].to_pylist(), key=str) == ["192.0.2.7", None]
    assert store.create(lake.places, LOGS).version() == found.version()
    first = store.open_table(lake.places, LOGS, version=1).to_pyarrow_table()
    assert first["ip"].to_pylist() == ["192.0.2.7"]


@pytest.mark.parametrize("killed_after", [1, 2])
def test_half_relaxed_table_is_relaxed_on(lake: Lake, killed_after: int) -> None:
    """A process that was killed between two of these commits leaves the rest to the next."""
    found = store.create(lake.places, strict())
    for name in ("endpoint", "status_code")[:killed_after]:
        found.alter.drop_column_not_null(name)

    fields = {field.name: field for field in store.create(lake.places, LOGS).schema().fields}
    assert all(fields[name].nullable for name in ("endpoint", "status_code", "ip"))


def test_writer_goes_on_while_a_column_is_relaxed(lake: Lake) -> None:
    """A writer that opened the table before takes its commit again, and loses none."""
    writer = store.Writer(lake.places, strict())
    store.create(lake.places, LOGS)

    assert writer.append(events([0]), store.Key("app", 0))
    assert lake.count() == 1


def test_folder_of_the_table_is_the_only_thing_made(lake: Lake, tmp_path: Path) -> None:
    """Creating one table makes no other."""
    store.create(lake.places, LOGS)

    assert [p.name for p in Path(lake.places.lake).iterdir()] == ["logs"]
