"""Finds the rows of `logs` and `quarantine` to erase, notes them, and deletes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import store
from lakehouse.duck import Pinned, connect, literal
from lakehouse.erasure.request import Request
from lakehouse.erasure.texts import text_of
from lakehouse.ingest.absent import OF_EVENTS, Absent
from lakehouse.paths import Places
from lakehouse.store.remove import remove_rows
from lakehouse.tables import rejects
from lakehouse.tables.catalog import LOGS, QUARANTINE, Table

PLACE = ("_topic", "_partition", "_offset", "_item")
# So many events are deleted in one commit: it names each.
AT_ONCE = 5_000
# An event of a record has a number below this.
ITEMS = 1 << 20

OF_LOGS = """
CREATE TEMP TABLE erased_logs AS
SELECT _topic, _partition, _offset, _item, date, {named} AS is_named
FROM (SELECT *, {text} AS _text FROM logs) WHERE {wanted}
"""
# A reject of a record of which an event is erased holds it too, and would be open by itself.
OF_QUARANTINE = """
CREATE TEMP TABLE erased_quarantine AS
SELECT _topic, _partition, _offset, _item, date, NOT ({is_open}) AS is_closed
FROM (SELECT *, {text} AS _text FROM quarantine) AS q WHERE {wanted} OR EXISTS (
    FROM erased_logs AS e WHERE e._topic = q._topic AND e._partition = q._partition
    AND e._offset = q._offset AND (q._item IS NULL OR q._item IS NOT DISTINCT FROM e._item))
"""


@dataclass(frozen=True)
class Rows:
    """The coordinates of rows to erase, with their dates, of both tables.

    Of `logs`, `is_named` says of each whether a field holds the value, or only a text mentions it;
    of `quarantine`, `is_closed` says of each whether the record is in `logs` by now.
    """

    logs: pa.Table
    quarantine: pa.Table

    def __bool__(self) -> bool:
        return bool(self.logs.num_rows or self.quarantine.num_rows)

    @property
    def since(self) -> date | None:
        """Returns the first day of `logs` of which rows are erased."""
        first: date | None = pc.min(self.logs["date"]).as_py()
        return first

    @property
    def topics(self) -> set[str]:
        """Returns the topics of all rows."""
        return {
            topic for each in (self.logs, self.quarantine) for topic in each["_topic"].to_pylist()
        }

    @property
    def events(self) -> pa.Table:
        """Returns the events that no table has any more, as notes have them (`OF_EVENTS`).

        A closed reject is none: what became of its record is a row of `logs`.
        """
        opened = self.quarantine.filter(pc.invert(self.quarantine["is_closed"]))
        found = pa.concat_tables([rows.select([*PLACE]) for rows in (self.logs, opened)])
        columns = [found["_topic"], found["_partition"], found["_offset"], found["_offset"]]
        return pa.table([*columns, found["_item"]], names=OF_EVENTS.names).cast(OF_EVENTS)


def find(places: Places, request: Request) -> Rows:
    """Returns the rows that are to be erased at the newest versions of both tables."""
    with connect() as connection:
        columns = {t.name: _view(connection, places, t) for t in (LOGS, QUARANTINE)}
        text = text_of(columns[LOGS.name])
        wanted = request.rows_of_logs("_text")
        connection.execute(OF_LOGS.format(named=request.named, text=text, wanted=wanted))
        is_open = rejects.is_open("q", columns[QUARANTINE.name], columns[LOGS.name])
        text, wanted = text_of(columns[QUARANTINE.name]), request.mentions.sql("_text")
        connection.execute(OF_QUARANTINE.format(is_open=is_open, text=text, wanted=wanted))
        order = "ORDER BY _topic, _partition, _offset, _item"
        return Rows(
            *(
                connection.sql(f"FROM erased_{name} {order}").to_arrow_table()
                for name in (LOGS.name, QUARANTINE.name)
            )
        )


def note(places: Places, rows: Rows) -> None:
    """Notes for good which events are erased: `verify` counts them, and nothing brings them back.

    To be called before they are deleted: after a crash in between noted rows are still there,
    which is no fault, and the same call again deletes them.
    """
    if rows.events.num_rows:
        Absent(places).note("erased", uuid.uuid4().hex, rows.events)


def delete(places: Places, rows: Rows, reached: Callable[[str], None]) -> None:
    """Deletes the rows: rejects first, since one without its event in `logs` is open.

    `reached` is called with each table after it.
    """
    for table, found in ((QUARANTINE, rows.quarantine), (LOGS, rows.logs)):
        for where in _conditions(found):
            remove_rows(places, table.name, where, {"writer": "erase"})
        reached(table.name)


def joined(*found: Rows) -> Rows:
    """Returns the rows of several calls together."""
    return Rows(
        pa.concat_tables([each.logs for each in found]),
        pa.concat_tables([each.quarantine for each in found]),
    )


def _view(connection: duckdb.DuckDBPyConnection, places: Places, table: Table) -> dict[str, str]:
    """Makes a view of the newest version of a table. Returns its columns and their types."""
    found = store.table_or_none(places, table)
    if found is None and table is QUARANTINE:
        connection.register(table.name, table.columns.empty_table())
    else:
        found = found or store.open_table(places, table)
        pinned = Pinned.of(table.name, places.table(table), found)
        pinned.with_columns(table.columns).create_view(connection, table.name)
    return columns_of(connection, table.name)


def columns_of(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """Returns the columns of a table or a view, and DuckDB's types of them."""
    return {column: kind for column, kind, *_ in connection.sql(f"DESCRIBE {name}").fetchall()}


def _conditions(rows: pa.Table) -> Iterator[str]:
    """Yields conditions, each of at most AT_ONCE rows of one partition of a topic."""
    places = rows.group_by(["_topic", "_partition"]).aggregate([]).to_pylist()
    for place in places:
        topic, partition = place["_topic"], place["_partition"]
        is_of = pc.and_(pc.equal(rows["_topic"], topic), pc.equal(rows["_partition"], partition))
        found = rows.filter(is_of)
        for first in range(0, found.num_rows, AT_ONCE):
            yield _condition(topic, partition, found.slice(first, AT_ONCE).to_pylist())


def _condition(topic: str, partition: int, rows: list[dict[str, Any]]) -> str:
    """The rows of these offsets; what bounds them lets the engine leave out other files."""
    offsets, days = [row["_offset"] for row in rows], [row["date"] for row in rows]
    alone = [row["_offset"] for row in rows if row["_item"] is None]
    items = [row["_offset"] * ITEMS + row["_item"] for row in rows if row["_item"] is not None]
    either = []
    if alone:
        either.append(f"(_item IS NULL AND _offset IN ({', '.join(map(str, alone))}))")
    if items:
        numbers = ", ".join(map(str, items))
        either.append(f"(_item IS NOT NULL AND _offset * {ITEMS} + _item IN ({numbers}))")
    return (
        f"date >= '{min(days)}' AND date <= '{max(days)}' AND _topic = {literal(topic)} "
        f"AND _partition = {partition} AND _offset >= {min(offsets)} AND "
        f"_offset <= {max(offsets)} AND ({' OR '.join(either)})"
    )
