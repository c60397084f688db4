"""One file into the tables, once: copy, decode, plan, commit, note. Killed, a repeat goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from batch.imports.batches import batches, decode_as_it_came
from batch.imports.contents import State, unchanged
from batch.imports.records import records
from lakehouse import store
from lakehouse.decode import Limits
from lakehouse.errors import TableError
from lakehouse.event.textfile import lines
from lakehouse.ingest.intake import DecodeToFiles
from lakehouse.ingest.plans import carry_out, lost_tables
from lakehouse.ingest.queries import IMPORT
from lakehouse.ingest.raw_zone import Imported, ImportPlan, RawZone
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, Writer
from lakehouse.tables.catalog import LOGS, QUARANTINE

Seen = Callable[[int, int], None]


@dataclass
class Loader:
    """Loads files into one lake; `reached` hears each step once it is behind us.

    `seen` hears how many records, and bytes of them, were read more.
    """

    places: Places
    limits: Limits
    keeps_copies: bool = True
    reached: Callable[[str], None] = lambda _step: None
    seen: Seen = lambda _records, _bytes: None
    writers: dict[str, Writer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = RawZone(self.places)

    def open(self) -> None:
        """Make the tables that are not there yet."""
        self.writers = IMPORT.writers(self.places)

    def load(
        self, file: Path, before: State, what: Imported, replaces: list[Imported]
    ) -> ImportPlan:
        """Take a file that the tables do not have; what was planned, and is done.

        `before` is its state when its content was looked at. SettingsError where it cannot be read
        to its end: then nothing of it is in.
        """
        with unchanged(file, before):
            if self.keeps_copies:
                self.zone.keep(file, what.sha256)
                self.reached("copied")
            files = self._decoded(file, what)
        self.reached("decoded")
        plan = ImportPlan(what=_counted(what, files), files=files, replaces=replaces)
        plan = self.zone.plans.write(plan)
        self.reached("planned")
        if not self.finish(plan):
            raise TableError(f"{file}: what was written of it is gone", "import it again")
        return plan

    def swap(self, what: Imported, replaces: list[Imported]) -> ImportPlan:
        """Remove what a path had, where what it has now is in already."""
        plan = self.zone.plans.write(ImportPlan(what=what, files=[], replaces=replaces))
        self.finish(plan)
        return plan

    def last(self, table: str, app: str) -> int | None:
        """The newest transaction of an application in a table; None where there is none."""
        if table in self.writers:
            return self.writers[table].last(app)
        found = store.table_or_none(self.places, table)
        return found.transaction_version(app) if found else None

    def finish(self, plan: ImportPlan) -> bool:
        """Do what a plan says; False where a planned file is gone, and it was taken back."""
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
        """How many of its records would be events, and rejects; nothing is written."""
        decoded = [decode_as_it_came(rows, self.limits) for rows in self._rows(file, what)]
        return sum(d.events.num_rows for d in decoded), sum(d.rejects.num_rows for d in decoded)

    def _decoded(self, file: Path, what: Imported) -> list[DataFile]:
        task = DecodeToFiles(
            roots={table.name: self.places.table(table) for table in IMPORT.tables},
            commit=f"{what.writer}:{what.batch}",
            name=f"import-{what.sha256[:12]}",
            ingested_at=datetime.now(UTC),
            limits=self.limits,
            decode=decode_as_it_came,
        )
        return [*task(self._rows(file, what))]

    def _rows(self, file: Path, what: Imported) -> Iterator[pa.RecordBatch]:
        for rows in batches(records(lines(file), what.reading, what.sha256), what):
            yield rows
            self.seen(rows.num_rows, rows["original"].nbytes)

    def _take_back(self, plan: ImportPlan) -> None:
        """What is in goes too: a record decoded anew might come to both tables, or to neither."""
        if any(to.last(plan.key(table).app) is not None for table, to in self.writers.items()):
            self._remove(plan.what)
        self.zone.plans.forget(plan)

    def _remove(self, old: Imported) -> None:
        """The rows of a file, in both tables: rejects may have come to `logs` by a replay."""
        for table in IMPORT.tables:
            key = Key(old.key(table.name).app, old.batch + 1)
            store.remove(self.places, table, f"_topic = '{old.topic}'", key)
            self.reached(f"removed from {table.name}")
        self.zone.note(msgspec.structs.replace(old, batch=old.batch + 1))


def _counted(what: Imported, files: list[DataFile]) -> Imported:
    """With what its files hold."""
    dates: Counter[str] = Counter()
    for file in files:
        if file.table == LOGS.name:
            dates[file.partition["date"]] += file.rows
    rejects = sum(file.rows for file in files if file.table == QUARANTINE.name)
    total = rejects + dates.total()
    return msgspec.structs.replace(what, records=total, rejects=rejects, dates=dict(dates))
