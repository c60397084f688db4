"""Tables as one run of `verify` has opened them, and what they are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.duck import Pinned, quoted
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.paths import Places
from lakehouse.proof import chain
from lakehouse.proof.asked import Asked, completed, planned, sources
from lakehouse.proof.chain import Newest
from lakehouse.proof.contents import Question
from lakehouse.proof.coverage import Coverage
from lakehouse.proof.files import asked_files, first_dates, planned_files
from lakehouse.proof.inventory import Inventory, Looked
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.rollup_sql import start
from lakehouse.tables.rollups import Rollup
from lakehouse.windows.check import rollups_of
from lakehouse.windows.count import time_literal
from lakehouse.windows.horizon import EPOCH

RECORDS = (LOGS.name, QUARANTINE.name)
JOIN = "LEFT JOIN extents AS e ON r._topic = e._topic AND r._partition = e._partition"
WITHIN = "coalesce(r._offset >= e.low_ AND r._offset < e.{end}, false)"
OLD, PROVED = WITHIN.format(end="was_"), WITHIN.format(end="end_")
ADDED = "files that were added to "


@dataclass(frozen=True)
class Opened:
    """`tables` are `logs` and `quarantine`, and `rollups` those of windows, by name.

    With `is_since` only what came since the newest proof is in sight.
    """

    places: Places
    tables: dict[str, DeltaTable]
    rollups: dict[str, DeltaTable]
    asked: Asked
    newest: Newest
    inventories: dict[str, Inventory]
    is_since: bool = False

    @classmethod
    def of(cls, places: Places, all_bytes: bool) -> Opened:
        """Opens all tables, as they are now, and finds what they must hold.

        Hashes data files that came since the newest proof, or all. Raises CheckpointError where
        nothing was ingested or imported yet, and TableError where a data file is not as it was
        written or proved.
        """
        checkpoint, zone = INGEST.checkpoint(places), RawZone(places)
        promised = zone.manifests()
        done = completed(checkpoint, bool(promised or zone.plans.all()))
        rollups = rollups_of(places)  # before logs, which must have all that they counted
        tables = {name: store.open_table(places, name) for name in RECORDS}
        limit = planned(checkpoint, done[0]) if done else {}
        newest, firsts = chain.newest(places), first_dates(tables)
        inventories = {
            name: Inventory.of(places, (name, table), newest).hash(table, all_bytes)
            for name, table in {**tables, **rollups}.items()
        }
        asked = Asked(
            sources([*tables.values()], done, limit),
            done[0].ids if done else {},
            asked_files(promised.values(), planned_files(zone), tables, firsts),
            firsts,
        )
        return cls(places, tables, rollups, asked, newest, inventories)

    @property
    def versions(self) -> dict[str, int]:
        """The versions of all tables."""
        return {name: table.version() for name, table in {**self.tables, **self.rollups}.items()}

    @property
    def refusal(self) -> str:
        """Why nothing can be built on the newest proof; empty where it can."""
        proof = self.newest.proof
        if proof is None:
            return self.newest.why
        reasons = (self.inventories[name].refusal for name in RECORDS)
        return next(filter(None, reasons), "") or self.asked.refusal(proof)

    def since(self) -> Opened:
        """Returns the same, of which only what came since the newest proof is in sight."""
        proof = self.newest.proof
        assert proof
        return replace(self, asked=self.asked.since(proof), is_since=True)

    def see(self, connection: duckdb.DuckDBPyConnection, name: str, pinned: Pinned) -> None:
        """Makes a view of the rows of a table that are in sight."""
        connection.register("extents", self.asked.extents_as_rows())
        if not self.is_since:
            pinned.create_view(connection, name)
            return
        self.inventories[name].only(self.inventories[name].added).create_view(
            connection, ADDED + name
        )
        connection.execute(
            f"CREATE TEMP VIEW {quoted(name)} AS "
            f"SELECT r.* FROM {quoted(ADDED + name)} AS r {JOIN} WHERE NOT {OLD}"
        )

    def look(self, held: Coverage) -> dict[str, Looked]:
        """Reads the rows of `logs` and `quarantine`, or of their files that came."""
        question = Question(OLD, PROVED, JOIN)
        return {
            name: self.inventories[name].look(held.connection, question, not self.is_since)
            for name in RECORDS
        }


def came(held: Coverage, closed: datetime, rollup: Rollup) -> Iterable[datetime]:
    """Returns the starts of the windows before a time that rows in sight of `logs` lie in."""
    query = f"SELECT DISTINCT {start('timestamp', rollup.window)} FROM logs WHERE timestamp < "
    found = held.ask(query + time_literal(closed))
    return [EPOCH + timedelta(microseconds=began) for (began,) in found]
