"""One pass of upkeep over all tables, while others read and write them.

Each step is one commit or none, or deletes files that nothing needs, so a pass may be killed at any
point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from lakehouse import maintenance
from lakehouse.ingest.plans import has_plan_before
from lakehouse.maintenance import Part, Rule
from lakehouse.paths import Places
from lakehouse.retention_settings import Retention
from lakehouse.settings import Upkeep
from lakehouse.skipping import keep
from lakehouse.storage import reach
from lakehouse.store import open_table, table_or_none
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.table import Table, history
from streaming.upkeep import late_rows
from streaming.upkeep.ledger import Ledger
from streaming.upkeep.upkeep_plan import Due, Rules, due, settled


@dataclass(frozen=True)
class Done:
    """What was done to a table, or would be; `note` says why something was not done.

    `rows` are late ones that are counted now, or such as retention deleted.
    """

    table: str
    what: str
    partition: str = ""
    files_before: int = 0
    files_after: int | None = None
    bytes: int = 0
    rows: int = 0
    note: str = ""


@dataclass(frozen=True)
class Pass:
    """Does all that is due now, or with `dry_run` only reports it. `now` returns the time."""

    places: Places
    settings: Upkeep
    tables: tuple[Table, ...]
    dry_run: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    retention: Retention = field(default_factory=Retention)

    def __call__(self) -> Iterator[Done]:
        """Yields what is done, table by table. A table that fails is a note; the others go on."""
        for table in self.tables:
            found = table_or_none(self.places, table)
            for step in self._steps(table) if found else ():
                yield from _noted(table.name, step)
        yield from _noted("_raw", self._retain_raw)

    def _steps(self, table: Table) -> list[Callable[[], Iterator[Done]]]:
        first = (self._properties, self._rewrite, self._index)
        keeping = (*first, self._retain, self._vacuum, self._trim)
        steps = (self._reconcile, *keeping) if table.name in late_rows.ROLLUPS else keeping
        return [partial(step, table) for step in steps]

    def _reconcile(self, table: Table) -> Iterator[Done]:
        """Counts late rows now and then; left for the next pass where the stream is behind."""
        rollup, every = late_rows.ROLLUPS[table.name], self.settings.reconcile_every_minutes
        ledger = Ledger.of(self.places, table.name)
        is_due = ledger.reconciled is None or self.now() >= ledger.reconciled + timedelta(
            minutes=every
        )
        if not every or not is_due or late_rows.stream_is_behind(self.places, rollup):
            return
        days = self.settings.reconcile_days
        for found in late_rows.count(self.places, rollup, days, self.dry_run):
            rows = sum(late.rows for late in found.late)
            yield Done(table.name, "reconcile", f"date={found.date}", rows=rows)
        if not self.dry_run:
            ledger.with_reconcile(self.now()).save(self.places, table.name)

    def _properties(self, table: Table) -> Iterator[Done]:
        """Writes the settings as table properties, which other tools read."""
        wanted = history(self._history(table))
        wanted["delta.checkpointInterval"] = table.configuration["delta.checkpointInterval"]
        if maintenance.set_properties(self.places, table.name, wanted, self.dry_run):
            yield Done(table.name, "properties")

    def _history(self, table: Table) -> int:
        """Returns for how many hours versions are kept: fewer, in whole days, if commits are many.

        Files that only trimmed versions need are useless, and each makes every checkpoint larger.
        """
        newest = open_table(self.places, table).version()
        oldest = newest - self.settings.history_commits
        since = Log(self.places, table.name).time(oldest) if oldest > 0 else None
        if since is None:
            return self.settings.history_hours
        days = (self.now() - since) // timedelta(days=1) + 1
        return min(self.settings.history_hours, 24 * max(days, 1))

    def _rewrite(self, table: Table) -> Iterator[Done]:
        found = maintenance.parts(self.places, table.name)
        ledger = Ledger.of(self.places, table.name).of_partitions({part.name for part in found})
        closed_after = timedelta(minutes=self.settings.closed_after_minutes)
        rules = Rules(self.settings.small_files, closed_after)
        for one in due(found, bool(table.order_by), ledger.ordered, rules):
            done = Done(
                table.name, one.what, one.part.name, len(one.part.files), bytes=one.part.bytes
            )
            if self.dry_run:
                yield done
                continue
            after = self._rewritten(table, one)
            if one.what == "order":
                new = after.files.keys() - one.part.files.keys()
                ledger = ledger.with_ordered(one.part.name, new)
                ledger.save(self.places, table.name)
            yield replace(done, files_after=len(after.files))

    def _rewritten(self, table: Table, one: Due) -> Part:
        columns = table.order_by if one.what == "order" else ()
        memory = self.settings.memory_mb << 20
        maintenance.rewrite(self.places, table.name, one.part.keys, columns, memory)
        found = maintenance.parts(self.places, table.name)
        return next((p for p in found if p.keys == one.part.keys), Part(one.part.keys, {}))

    def _index(self, table: Table) -> Iterator[Done]:
        """Makes entries in the skip index for closed hours, of which one a pass is checked."""
        if table.name != LOGS.name:
            return
        closed_after = timedelta(minutes=self.settings.closed_after_minutes)
        rules = Rules(self.settings.small_files, closed_after)
        files = settled(maintenance.parts(self.places, table.name), rules)
        if self.dry_run:
            if count := len(keep.missing(self.places, files)):
                yield Done(table.name, "index", files_before=count)
            return
        keep.check_one(self.places)
        for made in keep.add(self.places, files):
            yield Done(table.name, "index", f"date={made.day}", made.files, made.files, made.bytes)
        keep.merge(self.places, keep.active_files(self.places))

    def _retain(self, table: Table) -> Iterator[Done]:
        """Applies the rules of a table; one of single rows, which are counted, once a date."""
        for rule in maintenance.rules_of(self.retention, self.settings.retain_days, table.name):
            ledger = Ledger.of(self.places, table.name)
            if not rule.is_whole and self._first_kept(rule) == ledger.retained.get(rule.key):
                continue
            result = maintenance.apply(self.places, rule, self.dry_run)
            if result.rows:
                yield _taken(result, f"{rule.name}: date < {result.first}{_kept(result.named)}")
            if result.first and not rule.is_whole and not self.dry_run:
                ledger.with_retained(rule.key, result.first).save(self.places, table.name)

    def _first_kept(self, rule: Rule) -> date | None:
        days = maintenance.weights_of(open_table(self.places, rule.table))
        return max(days) - timedelta(days=rule.days) if days else None

    def _retain_raw(self) -> Iterator[Done]:
        if days := self.retention.raw_days:
            result = maintenance.retain_raw(self.places, days, self.now(), self.dry_run)
            if result.rows:
                yield _taken(result, f"copies of before {result.first}")

    def _vacuum(self, table: Table) -> Iterator[Done]:
        ledger = Ledger.of(self.places, table.name)
        every = timedelta(hours=self.settings.vacuum_every_hours)
        if ledger.vacuumed is not None and self.now() < ledger.vacuumed + every:
            return
        hours = self._history(table)
        before = self.now() - timedelta(hours=hours)
        strays = not has_plan_before(self.places, before)
        result = maintenance.vacuum(self.places, table.name, hours, self.dry_run, strays)
        if not self.dry_run:
            ledger.with_vacuum(self.now()).save(self.places, table.name)
        if result.removed:
            left, kept = None if self.dry_run else 0, _kept(result.named).removeprefix(", ")
            yield Done(table.name, "vacuum", kept, result.removed, left)

    def _trim(self, table: Table) -> Iterator[Done]:
        keep = timedelta(hours=self.settings.history_hours)
        most = self.settings.history_commits
        result = maintenance.trim(
            self.places, table.name, keep, most, self.now(), dry_run=self.dry_run
        )
        note = f"the query {result.held_by} has yet to read what is older" if result.held_by else ""
        if result.entries or note:
            yield Done(
                table.name,
                "trim",
                files_before=result.entries + result.kept,
                files_after=result.kept,
                note=note,
            )


def _kept(named: Mapping[str, int]) -> str:
    """Says which versions keep what goes because they have a name."""
    return f", kept by name: {', '.join(named)}" if named else ""


def _taken(result: maintenance.Applied, what: str) -> Done:
    return Done(result.table, "retain", what, bytes=result.bytes, rows=result.rows)


def _noted(table: str, step: Callable[[], Iterator[Done]]) -> Iterator[Done]:
    """Runs a step; a failure becomes a note. Raises StorageError where a bucket is away."""
    try:
        yield from step()
    except maintenance.REFUSALS as error:
        if away := reach.fault(error):
            raise away from error  # the next table has no better chance
        name = getattr(step, "func", step).__name__.strip("_")
        yield Done(table, name, note=str(getattr(error, "what", error)))
