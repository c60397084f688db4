"""Loads one file, once: copy, decode, plan, commit, note. After a crash the next run finishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from batch.imports.batches import DecodeFile, batches
from batch.imports.contents import State, refuse_changed, unchanged
from lakehouse import store
from lakehouse.decode import Limits
from lakehouse.errors import TableError
from lakehouse.event.textfile import lines
from lakehouse.formats.records import records
from lakehouse.ingest.absent import Absent, within
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.ingest.plans import carry_out, lost_tables
from lakehouse.ingest.queries import IMPORT
from lakehouse.ingest.raw_zone import Imported, ImportPlan, RawZone
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, Writer
from lakehouse.tables.catalog import LOGS, QUARANTINE

NO_END = 1 << 62
Seen = Callable[[int, int], None]


@dataclass
class Loader:
    """Loads files into one lake.

    `reached` is called with the name of each step after it is done; `seen` with how many records
    and bytes were read since the last call.
    """

    places: Places
    limits: Limits
    keeps_copies: bool = True
    reached: Callable[[str], None] = lambda _step: None
    seen: Seen = lambda _records, _bytes: None
    writers: dict[str, Writer] = field(default_factory=dict)
    # Of the file that was read last: what was left out of it, and how many records it has.
    warnings: list[str] = field(default_factory=list)
    records: int = 0

    def __post_init__(self) -> None:
        self.zone = RawZone(self.places)

    def open(self) -> None:
        """Creates the tables that do not exist yet, and opens them for writing."""
        self.writers = IMPORT.writers(self.places)

    def write_under(self, places: Places) -> None:
        """Writes through these places from now on, which are fenced."""
        self.places, self.zone = places, RawZone(places)
        self.writers = {name: writer.under(places) for name, writer in self.writers.items()}

    def load(
        self, file: Path, before: State, what: Imported, replaces: list[Imported]
    ) -> ImportPlan:
        """Loads a file that is not in the tables. Returns the plan that was carried out.

        `before` is the state of the file when its content was hashed. Raises SettingsError if it
        cannot be read to its end or has changed; then no row of it is in the tables.
        """
        with unchanged(file, before):
            if self.keeps_copies and not self._erased(what).num_rows:
                self.zone.keep(file, what.sha256, partial(refuse_changed, file, before))
                self.reached("copied")
            files = self._decoded(file, what)
        self.reached("decoded")
        plan = ImportPlan(what=_counted(what, files, self.records), files=files, replaces=replaces)
        plan = self.zone.plans.write(plan)
        self.reached("planned")
        if not self.finish(plan):
            raise TableError(f"{file}: what was written of it is gone", "import it again")
        return plan

    def swap(self, what: Imported, replaces: list[Imported]) -> ImportPlan:
        """Removes the earlier rows of a path whose present content is already in the tables."""
        plan = self.zone.plans.write(ImportPlan(what=what, files=[], replaces=replaces))
        self.finish(plan)
        return plan

    def last(self, table: str, app: str) -> int | None:
        """Returns the newest transaction of an application in a table; None if there is none."""
        if table in self.writers:
            return self.writers[table].last(app)
        found = store.table_or_none(self.places, table)
        return found.transaction_version(app) if found else None

    def finish(self, plan: ImportPlan) -> bool:
        """Carries out a plan. Returns False if a planned file is gone; the plan is then undone."""
        if lost_tables(self.places, plan, self.writers):
            self._take_back(plan)
            return False
        for old in plan.replaces:
            self._remove(old)
        carry_out(plan, self.writers, reached=self.reached)
        self.zone.note(plan.what)
        self.zone.claim(plan.what.path, plan.what.sha256)
        self.reached("noted")
        return True

    def count(self, file: Path, what: Imported) -> tuple[int, int]:
        """Returns how many records would be events and how many rejects; writes nothing."""
        decode = DecodeFile(what)
        decoded = [decode(rows, self.limits) for rows in self._rows(file, what)]
        return sum(d.events.num_rows for d in decoded), sum(d.rejects.num_rows for d in decoded)

    def _decoded(self, file: Path, what: Imported) -> list[DataFile]:
        task = DecodeToFiles(
            roots={table.name: self.places.table(table) for table in IMPORT.tables},
            commit=f"{what.writer}:{what.batch}",
            name=f"import-{what.sha256[:12]}",
            ingested_at=datetime.now(UTC),
            limits=self.limits,
            decode=DecodeFile(what),
            erased=self._erased(what),
        )
        return [*task(self._rows(file, what))]

    def _erased(self, what: Imported) -> pa.Table:
        """Returns the coordinates of its events that were erased on request, and stay so."""
        return within(Absent(self.places).erased(), {what.topic: {0: (0, NO_END)}})

    def _rows(self, file: Path, what: Imported) -> Iterator[pa.RecordBatch]:
        self.warnings, self.records = [], 0
        held = lines(file, self.warnings.append, keeps_cr=True)
        for rows in batches(records(held, what.reading), what):
            yield rows
            self.records += rows.num_rows
            self.seen(rows.num_rows, rows["value"].nbytes)

    def _take_back(self, plan: ImportPlan) -> None:
        """Undoes a plan, and removes the rows that it has committed.

        If they stayed, a record that is decoded anew could come to both tables, or to neither.
        """
        if any(to.last(plan.key(table).app) is not None for table, to in self.writers.items()):
            self._remove(plan.what)
        self.zone.plans.forget(plan)

    def _remove(self, old: Imported) -> None:
        """Removes the rows of a file from both tables; a replay may have moved some of them."""
        for table in IMPORT.tables:
            key = Key(old.key(table.name).app, old.batch + 1)
            store.remove(self.places, table, f"_topic = '{old.topic}'", key)
            self.reached(f"removed from {table.name}")
        self.zone.note(msgspec.structs.replace(old, batch=old.batch + 1))


def _counted(what: Imported, files: list[DataFile], records: int) -> Imported:
    """Returns `what` with the counts of its files: records, rejects, events by date."""
    dates: Counter[str] = Counter()
    for file in files:
        if file.table == LOGS.name:
            dates[file.partition["date"]] += file.rows
    rejects = sum(file.rows for file in files if file.table == QUARANTINE.name)
    return msgspec.structs.replace(
        what,
        records=records,
        rejects=rejects,
        dates=dict(dates),
        rows=rejects + dates.total(),
    )
