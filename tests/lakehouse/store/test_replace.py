"""Rows replaced as a whole, in tables that older code made."""

from __future__ import annotations

import pyarrow as pa
from support.lakes import Lake

from lakehouse import store
from lakehouse.event.schema import arrow_field
from lakehouse.store import Replacement
from lakehouse.tables.table import Table


def table(comment: str) -> Table:
    """A table whose one column has this comment."""
    columns = pa.schema([arrow_field("name", pa.string(), comment)])
    return Table("names", "names", columns, partition_by=(), statistics=("name",))


def test_a_comment_that_changed_is_no_obstacle(lake: Lake) -> None:
    """Rows are written as ever; the table keeps the comment that it was made with."""
    old, new = table("as it was"), table("in other words")
    store.create(lake.places, old)
    for made, names in ((old, ["ada", "bob"]), (new, ["ada"])):
        rows = pa.table({"name": names}, schema=made.columns)
        replacement = Replacement(rows, "name = 'ada' OR name = 'eve'" if made is new else "true")
        store.replace(lake.places, made, lambda _current, it=replacement: it)

    found = store.open_table(lake.places, new)
    assert sorted(found.to_pyarrow_table()["name"].to_pylist()) == ["ada", "bob"]
    assert found.schema().fields[0].metadata["comment"] == "as it was"
