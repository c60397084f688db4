"""Creates tables, and adds columns to them; both may be repeated."""

from __future__ import annotations

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.storage.lost_answers import repeated
from lakehouse.store.disk import in_words
from lakehouse.store.durable import sync_newest
from lakehouse.store.read import table_or_none
from lakehouse.store.retry import retried
from lakehouse.tables.catalog import Table


def create(places: Places, table: Table) -> DeltaTable:
    """Returns the table, made if missing, with the columns that the code has gained since.

    Columns that became optional may be NULL from then on. Raises TableError where a column was
    removed, has another type, or is required where it was not.
    """
    return repeated(lambda: _made(places, table))


def _made(places: Places, table: Table) -> DeltaTable:
    found = table_or_none(places, table)
    with in_words(places.table(table)):
        if found is None:
            return _create(places, table)
        return _evolve(places, found, table)


def _create(places: Places, table: Table) -> DeltaTable:
    try:
        made = DeltaTable.create(
            places.table(table),
            table.columns,
            mode="error",
            partition_by=[*table.partition_by],
            name=table.name,
            description=table.comment,
            configuration=table.configuration,
            raise_if_key_not_exists=False,
            # retried, it would replace the table that another process made meanwhile
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except DeltaError:
        if table_or_none(places, table) is None:
            raise
        return create(places, table)
    sync_newest(places, table.name)
    return made


def missing_columns(found: DeltaTable, table: Table) -> list[Field]:
    """Returns the columns that the code has gained since.

    Raises TableError where a column was removed, has another type, or is new and required.
    """
    wanted = {field.name: field for field in Schema.from_arrow(table.columns).fields}
    there = {field.name: field for field in found.schema().fields}
    _refuse_changed(table, wanted, there)
    return [field for name, field in wanted.items() if name not in there]


def relaxed_columns(found: DeltaTable, table: Table) -> list[str]:
    """The columns that rows had to have, and need not have any more."""
    there = {field.name: field for field in found.schema().fields}
    return [
        field.name
        for field in Schema.from_arrow(table.columns).fields
        if field.nullable and field.name in there and not there[field.name].nullable
    ]


def _evolve(places: Places, found: DeltaTable, table: Table) -> DeltaTable:
    """The table, grown; each step is a commit of its own, so that a crash leaves some to do."""
    added, relaxed = missing_columns(found, table), relaxed_columns(found, table)
    try:
        for name in relaxed:
            found.alter.drop_column_not_null(name)
            sync_newest(places, table.name)
        if added:
            found.alter.add_columns(added)
            sync_newest(places, table.name)
    except CommitFailedError:
        return create(places, table)  # another process did it, or something else, meanwhile
    return found


def _refuse_changed(table: Table, wanted: dict[str, Field], there: dict[str, Field]) -> None:
    """Raises TableError for a changed column: old rows could not be read, or would break a rule."""
    faults = {
        "no longer known": [name for name in there if name not in wanted],
        "of another type": [n for n, f in wanted.items() if n in there and not _same(f, there[n])],
        "required, but rows lack it": [
            n for n, f in wanted.items() if n not in there and not f.nullable
        ],
    }
    changes = [f"{', '.join(names)} ({fault})" for fault, names in faults.items() if names]
    if changes:
        raise TableError(
            f"columns of table {table.name} do not fit: {'; '.join(changes)}",
            "a column may be added if it may be NULL: put the others back, or write to a new "
            "lake (--lake)",
        )


def _same(wanted: Field, there: Field) -> bool:
    return bool(wanted.type == there.type and (wanted.nullable or not there.nullable))


def set_property(places: Places, name: str, key: str, value: str) -> None:
    """Sets a property of a table, unless it has that value; others may write meanwhile."""

    def change(found: DeltaTable) -> None:
        if (found.metadata().configuration or {}).get(key) != value:
            found.alter.set_table_properties({key: value}, False)

    retried(places, name, change)
