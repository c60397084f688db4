"""The queries of a lake and the other work that must run alone on it: name, lock and tables.

A name is the folder of the checkpoint and of the ledger beside it, and the query's name in Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lakehouse.errors import LogpondError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.store import Writer
from lakehouse.store.lease.grant import Standby
from lakehouse.store.lease.takeover import fenced, highest
from lakehouse.store.lock import Holding, alone, holder
from lakehouse.tables import rollups
from lakehouse.tables.catalog import ANOMALIES, LOGS, QUARANTINE, TABLES, Table

Lost = Callable[[LogpondError], None]


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

    @contextmanager
    def alone(
        self, places: Places, standby: Standby | None = None, lost: Lost = lambda _error: None
    ) -> Iterator[Places]:
        """Holds its lock until the end of the block, and gives places that are fenced.

        Raises CheckpointError where another process holds it; with a standby it waits instead.
        `lost` is called, from another thread, where it is lost meanwhile.
        """
        lock, seconds, app = self.lock(places), places.lease_seconds, f"epoch/{self.name}"

        def is_known() -> bool:
            return highest(places, app, self._committed_to()) > 0

        with alone(lock, self.title, seconds, standby, is_known) as held:
            held.when_lost(lost)
            yield fenced(places, app, self._committed_to(), held)

    def _committed_to(self) -> list[str]:
        """Returns all tables that may have its epoch: also those of queries under its lock."""
        if self in (UPKEEP, IMPORT):  # retention; the minutes and windows of what is imported
            return [*TABLES]
        under = [self, *(of for of in (WINDOWS,) if of.runs_in == self.name)]
        return [table.name for of in under for table in of.tables]

    def is_running(self, places: Places) -> bool | None:
        """Whether a process holds its lock; None where its bucket does not say."""
        return self.holder(places).is_held

    def holder(self, places: Places) -> Holding:
        """Returns who holds its lock."""
        return holder(self.lock(places))


INGEST = Query("ingest", "the ingest query", (QUARANTINE, LOGS))
WINDOWS = Query(
    "windows",
    "the windows query",
    tuple(TABLES[rollup.name] for rollup in rollups.WINDOWS),
    "ingest",
)
MINUTES = Query("minutes", "detection", (TABLES[rollups.MINUTES.name], ANOMALIES))
IMPORT = Query("import", "an import", (QUARANTINE, LOGS))
REPLAY = Query("replay-quarantine", "replay-quarantine", (QUARANTINE, LOGS))
UPKEEP = Query("upkeep", "upkeep", ())

# Those that Spark keeps a checkpoint of; the others have a ledger only.
STREAMS = (INGEST, WINDOWS, MINUTES)
