"""Erases from place to place: rows, what was derived of them, older versions, then texts.

| killed | at the next call |
|---|---|
| before rows are noted | nothing has changed |
| before they are deleted | they are found again, and noted twice, which is no fault |
| after that | the journal says from which day on windows are counted again; tables say the rest |
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lakehouse import maintenance, store
from lakehouse.erasure import derived, files, rows
from lakehouse.erasure.journal import Journal
from lakehouse.erasure.places import HANDLERS, Handler, copies_of
from lakehouse.erasure.request import Request
from lakehouse.errors import CheckpointError
from lakehouse.ingest.plans import BatchPlans, carry_out, lost_tables, newest, note_invisible
from lakehouse.ingest.queries import IMPORT, INGEST, REPLAY, UPKEEP, Query
from lakehouse.ingest.queries import MINUTES as DETECTION
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import ANOMALIES, LOGS, QUARANTINE, TABLES
from lakehouse.tables.rollups import MINUTES, ROLLUPS

# Who writes a file commits it, or plans to, within this time.
YOUNG = timedelta(minutes=15)
WAITED_SECONDS, LOOKED_EVERY_SECONDS = 120.0, 0.5


@dataclass(frozen=True)
class Place:
    """What a place holds that is erased: how many, of what."""

    place: str
    count: int
    what: str


@dataclass(frozen=True)
class Erasure:
    """Erases a request from one lake. `others` erase texts that other programs keep.

    `reached` is called with the name of each step after it is done.
    """

    places: Places
    request: Request
    others: Sequence[Handler] = ()
    reached: Callable[[str], None] = lambda _step: None

    def found(self) -> list[Place]:
        """Returns what would be erased, place by place, and changes nothing.

        After a call it is what came meanwhile, or what a program holds that runs.
        """
        of = rows.find(self.places, self.request)
        of_rows = [*_of_rows(of), *self._follows(of), *self._of_derived()]
        of_files = [*of_rows, *self._of_files()]
        names = self._of_names() if of_files else []
        return [*of_files, *names, *self._of_texts(dry_run=True)]

    def is_begun(self) -> bool:
        """Whether an earlier call has died before it was done."""
        return Journal.of(self.places).is_begun

    def __call__(self) -> list[Place]:
        """Erases. Returns what was erased, place by place.

        Raises CheckpointError while an import, a replay or upkeep runs, or where a query has yet to
        read files that would go; call again then, it goes on from there.
        """
        with _alone(self.places) as (places, running):
            return replace(self, places=places)._erased(running)

    def _erased(self, running: set[Query]) -> list[Place]:
        done = [*_of_rows(self._rows(INGEST in running)), *self._derived()]
        done += self._versions(bool(running))
        done += self._of_texts(dry_run=False)
        self.reached("texts")
        Journal.of(self.places).end(self.places)
        return done

    def _rows(self, ingest_runs: bool) -> rows.Rows:
        """Deletes rows of both tables, those too that a batch brings which is under way."""
        if not ingest_runs:
            _finish_plans(self.places)
            return self._delete()
        under_way = _planned(self.places)
        first = self._delete()
        _wait(self.places, under_way)
        return rows.joined(first, self._delete())

    def _delete(self) -> rows.Rows:
        found = rows.find(self.places, self.request)
        if found:
            Journal.of(self.places).begin(self.places, found.since)
            self.reached("begun")
            rows.note(self.places, found)
            self.reached("noted")
            rows.delete(self.places, found, self.reached)
        return found

    def _derived(self) -> list[Place]:
        """Counts windows again and scrubs incidents; what cannot be counted again goes."""
        found, mentions = self._of_derived(), self.request.mentions
        if found and not Journal.of(self.places).is_begun:
            Journal.of(self.places).begin(self.places, None)
        since, counted = Journal.of(self.places).since, 0
        if since:
            counted = derived.count_windows(self.places, since)
            self.reached("windows")
        for rollup in ROLLUPS.values():
            derived.delete_windows(self.places, rollup, mentions)
        derived.scrub_incidents(self.places, mentions)
        self.reached("incidents")
        of_windows = Place("traffic, usage, logs_windowed", counted, "windows counted again")
        return [*found, of_windows] if counted else found

    def _versions(self, is_running: bool) -> list[Place]:
        """Deletes older versions of the tables, with files that none of them knows."""
        found, begun = self._of_files(), Journal.of(self.places).is_begun
        before = _ago() if is_running else datetime.now(UTC)
        for name in self._tables():
            if (begun and name != MINUTES.name) or name in {each.place for each in found}:
                self._forget(name, before)
        return found

    def _forget(self, name: str, before: datetime) -> None:
        _wait_for_readers(self.places, name)
        self.reached(f"files of {name}")
        root = self.places.table(name)
        going, _ = files.strays(self.places, name, self.request, before)
        objects.delete_all(objects.store(root), going)
        for half in objects.left_behind(root, before):
            half.unlink(missing_ok=True)
        maintenance.forget_log(self.places, name)
        self.reached(f"log of {name}")

    def _of_files(self) -> list[Place]:
        """Files of older versions, or of none, that hold what is erased."""
        now, what = datetime.now(UTC), "data files of older versions, or of none"
        found = {
            name: files.strays(self.places, name, self.request, now) for name in self._tables()
        }
        counts = {name: len(old) + young for name, (old, young) in found.items()}
        return [Place(name, count, what) for name, count in counts.items() if count]

    def _of_names(self) -> list[Place]:
        """Names of versions that can no longer be read then."""
        what = "names of older versions, which can no longer be read"
        counts = {name: len(Tags(self.places).of(name)) for name in self._tables()}
        return [Place(name, count, what) for name, count in counts.items() if count]

    def _tables(self) -> list[str]:
        return [name for name in TABLES if store.table_or_none(self.places, name)]

    def _follows(self, found: rows.Rows) -> Iterator[Place]:
        """What goes, or is made again, because of rows, whatever it mentions itself."""
        days = len(found.logs["date"].unique())
        if days:
            yield Place("traffic, usage, logs_windowed", days, "days of windows to count again")
        if found:
            changed = int(bool(found.logs.num_rows)) + int(bool(found.quarantine.num_rows))
            what = "tables with rows, whose older versions and their data files are deleted"
            yield Place("logs, quarantine", changed, what)
        copies = [] if self.request.mentions else copies_of(self.places, found.topics)
        if copies:
            yield Place("raw", len(copies), "copies of imported files, as a whole")

    def _of_derived(self) -> list[Place]:
        mentions = self.request.mentions
        windows = {
            name: sum(
                part["count_all"] for part in derived.windows_of(self.places, rollup, mentions)
            )
            for name, rollup in ROLLUPS.items()
        }
        counts = {**windows, ANOMALIES.name: len(derived.incidents(self.places, mentions))}
        what = dict.fromkeys(ROLLUPS, "rows by that name")
        what[ANOMALIES.name] = "incidents, which stay without the name"
        return [Place(name, count, what[name]) for name, count in counts.items() if count]

    def _of_texts(self, dry_run: bool) -> list[Place]:
        found = [
            Place(
                handler.members[0], handler.erase(self.places, self.request, dry_run), handler.what
            )
            for handler in (*HANDLERS, *self.others)
        ]
        return [each for each in found if each.count]


def _of_rows(found: rows.Rows) -> Iterator[Place]:
    named = sum(found.logs["is_named"].to_pylist())
    by_text = found.logs.num_rows - named
    if named:
        yield Place(LOGS.name, named, "rows whose user or ip it is")
    if by_text:
        yield Place(LOGS.name, by_text, "rows that mention it elsewhere, or fit the query")
    if found.quarantine.num_rows:
        yield Place(QUARANTINE.name, found.quarantine.num_rows, "rejects that hold it")


def _ago() -> datetime:
    return datetime.now(UTC) - YOUNG


@contextmanager
def _alone(places: Places) -> Iterator[tuple[Places, set[Query]]]:
    """Keeps upkeep, imports and replays away; gives fenced places, and the streams that run."""
    with ExitStack() as held:
        fenced = held.enter_context(UPKEEP.alone(places))
        for query in (IMPORT, REPLAY):
            held.enter_context(query.alone(places))
        if RawZone(places).plans.all():
            raise CheckpointError(
                "an import has broken off, and its rows may be on their way",
                "finish it first: `logpond import FILE`",
            )
        yield fenced, {query for query in (INGEST, DETECTION) if not _is_kept(held, places, query)}


def _is_kept(held: ExitStack, places: Places, query: Query) -> bool:
    """Keeps a query from a start, unless it runs. Returns whether it does not."""
    try:
        held.enter_context(query.alone(places))
    except CheckpointError:
        return False
    return True


def _finish_plans(places: Places) -> None:
    """Commits what a batch has planned that was not committed: so its rows can be found."""
    progress = INGEST.checkpoint(places).progress()
    kept = BatchPlans(places).all(progress.query_id) if progress else []
    writers = INGEST.writers(places) if kept else {}
    for batch in sorted({plan.batch for plan in kept}):
        plan = newest([each for each in kept if each.batch == batch])
        if plan:
            carry_out(plan, writers, skip=lost_tables(places, plan, writers))
            note_invisible(places, plan)


def _planned(places: Places) -> int | None:
    progress = INGEST.checkpoint(places).progress()
    return progress.planned if progress else None


def _wait(places: Places, batch: int | None) -> None:
    """Waits until ingest has completed a batch. Raises CheckpointError where it takes long."""
    end = time.monotonic() + WAITED_SECONDS
    while batch is not None and time.monotonic() < end:
        progress = INGEST.checkpoint(places).progress()
        if progress is None or (progress.completed is not None and progress.completed >= batch):
            return
        time.sleep(LOOKED_EVERY_SECONDS)
    if batch is not None:
        raise CheckpointError(
            f"batch {batch} of ingest is under way, and may hold what is erased",
            "call it again when the batch is done, or stop the stream first",
        )


def _wait_for_readers(places: Places, name: str) -> None:
    """Deletes files of older versions, once running streams have read what they need of them."""
    end = time.monotonic() + WAITED_SECONDS
    while True:
        try:
            maintenance.forget_versions(places, name)
            return
        except CheckpointError:
            is_running = INGEST.is_running(places) or DETECTION.is_running(places)
            if not is_running or time.monotonic() > end:
                raise
        time.sleep(LOOKED_EVERY_SECONDS)
