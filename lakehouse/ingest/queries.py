"""The queries of a lake and the other work that must run alone on it: name, lock and tables.

A name is the folder of the checkpoint and of the ledger beside it, and the query's name in Spark.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.store import Writer
from lakehouse.store.lock import alone, is_held
from lakehouse.tables import rollups
from lakehouse.tables.catalog import ANOMALIES, LOGS, QUARANTINE, TABLES, Table


@dataclass(frozen=True, eq=False)
class Query:
    """What runs at most once on a lake.

    `title` names it to a person. `tables` are those that it writes, in the order of its commits.
    `runs_in` is the query whose application it runs in, and whose lock it runs under.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    runs_in: str = ""

    def checkpoint(self, places: Places) -> Checkpoint:
        """Its progress on a lake."""
        return Checkpoint(places, self.name)

    def writers(self, places: Places) -> dict[str, Writer]:
        """What commits to its tables, in order; a table that is not there yet is made."""
        return {table.name: Writer(places, table) for table in self.tables}

    def lock(self, places: Places) -> str:
        """The folder that is locked while it runs."""
        return places.ledger(self.runs_in or self.name)

    def alone(self, places: Places) -> AbstractContextManager[None]:
        """Hold its lock; raises CheckpointError where another process does."""
        return alone(self.lock(places), self.title)

    def is_running(self, places: Places) -> bool | None:
        """Whether a process holds its lock; None where nobody can know: behind a URL."""
        return is_held(self.lock(places))


INGEST = Query("ingest", "the ingest query", (QUARANTINE, LOGS))
WINDOWS = Query(
    "windows",
    "the windows query",
    tuple(TABLES[rollup.name] for rollup in rollups.WINDOWS),
    "ingest",
)
MINUTES = Query("minutes", "detection", (TABLES[rollups.MINUTES.name], ANOMALIES))
IMPORT = Query("import", "an import", (QUARANTINE, LOGS))
REPLAY = Query("replay-quarantine", "replay-quarantine", (LOGS,))
UPKEEP = Query("upkeep", "upkeep", ())

# Those that Spark keeps a checkpoint of; the others have a ledger only.
STREAMS = (INGEST, WINDOWS, MINUTES)
