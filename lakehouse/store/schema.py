"""Tables come into being, and grow: creation and evolution, both safe to repeat."""

from __future__ import annotations

from deltalake import DeltaTable, Schema

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store.read import check_writer, table_or_none
from lakehouse.tables import Table


def create(places: Places, table: Table) -> DeltaTable:
    """The table, made when missing, with the columns that the code has gained since.

    Raises TableError where a column was removed or has another type.
    """
    found = table_or_none(places, table)
    if found is None:
        return DeltaTable.create(
            places.table(table),
            table.columns,
            mode="ignore",
            partition_by=[*table.partition_by],
            name=table.name,
            description=table.comment,
            configuration=table.configuration,
        )
    check_writer(found, "deltalake")
    return _evolve(found, table)


def _evolve(found: DeltaTable, table: Table) -> DeltaTable:
    wanted = Schema.from_arrow(table.columns).fields
    there = {field.name: field for field in found.schema().fields}
    retyped = [f.name for f in wanted if f.name in there and there[f.name].type != f.type]
    if retyped:
        raise TableError(
            f"table {table.name} holds {', '.join(retyped)} with another type",
            "change the type back, or write to a new lake (--lake)",
        )
    added = [field for field in wanted if field.name not in there]
    if added:
        found.alter.add_columns(added)
    return found
