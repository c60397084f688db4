"""Plans: the files that will be committed, written down before the first commit.

Whoever comes after a crash carries out the plan that stands. So a crash between two commits, or a
decoder that changed in between, neither loses nor repeats a record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import Absent, Stretch, noted
from lakehouse.ingest.checkpoint import torn
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.runs import Run
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, Writer, objects
from lakehouse.store.commit import is_done
from lakehouse.store.durable import sync

TIDIED_EVERY = 100  # batches


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Files by table; each table gets its files in one commit, under a transaction of its own."""

    files: list[DataFile]

    @property
    def name(self) -> str:
        """The object that it is kept as, below `plans/` of its query's ledger."""
        raise NotImplementedError

    def key(self, table: str) -> Key:
        """The application transaction of its commit to a table."""
        raise NotImplementedError

    def files_of(self, table: str) -> list[DataFile]:
        """The planned files of one table."""
        return [file for file in self.files if file.table == table]

    def rows_of(self, table: str) -> int:
        """How many rows the plan brings to a table."""
        return sum(file.rows for file in self.files_of(table))


class BatchPlan(Plan, frozen=True, kw_only=True):
    """The plan of one micro-batch; `start` and `end` are offsets as the source wrote them.

    `attempt` counts how often the batch was decoded anew because a planned file was missing.
    `invisible` are the offsets of its range that Kafka gives to no reader.
    """

    query_id: str
    batch: int
    start: str
    end: str
    attempt: int = 0
    invisible: list[Run] = []

    @property
    def name(self) -> str:
        """One object a batch and attempt, in a folder of the checkpoint's query id."""
        return f"{self.query_id}/{self.batch}.{self.attempt}.json"

    def key(self, table: str) -> Key:
        """A transaction of its own for each attempt, numbered by the batch."""
        return Key(app_id(self.query_id, table, self.attempt), self.batch)


def app_id(query_id: str, table: str, attempt: int = 0) -> str:
    """Unique to a checkpoint and a table, and to a repeated decode of a batch."""
    return f"{query_id}/{table}" + (f"/{attempt}" if attempt else "")


def carry_out(
    plan: Plan,
    writers: Mapping[str, Writer],
    skip: Collection[str] = (),
    reached: Callable[[str], None] = lambda _table: None,
) -> bool:
    """Commit the planned files of each table, in the order of `writers`.

    Returns whether any commit was made now. Safe to repeat after a crash at any point: what is in
    a table already is not committed again. Ask `lost_tables` before: here nobody looks whether the
    files are there. `skip` names tables to leave out, `reached` hears each table once it is done.
    """
    is_new = False
    for table, writer in writers.items():
        if table not in skip and plan.files_of(table):
            is_new |= writer.commit(plan.files_of(table), plan.key(table))
        reached(table)
    return is_new


def note_invisible(places: Places, topic: str, plan: BatchPlan) -> None:
    """Write down for good which offsets no reader was given, before the plan is forgotten.

    Safe to repeat.
    """
    if plan.invisible:
        stretches = noted([Stretch(topic, *run) for run in plan.invisible])
        Absent(places).note("invisible", f"{plan.query_id}-{plan.batch}", stretches)
    if plan.batch % TIDIED_EVERY == 0:
        Absent(places).tidy("invisible")


def lost_tables(places: Places, plan: Plan, writers: Mapping[str, Writer]) -> list[str]:
    """The tables that a plan is not committed to, and cannot be: a planned file is not there."""
    return [
        table
        for table, writer in writers.items()
        if not is_done(writer.last(plan.key(table).app), plan.key(table))
        and not is_whole(places, plan, table)
    ]


def is_whole(places: Places, plan: Plan, table: str) -> bool:
    """Whether every planned file of a table is there, with its size."""
    folder = objects.reader(places.table(table))
    return all(objects.size(folder, file.path) == file.size for file in plan.files_of(table))


Kind = TypeVar("Kind", bound=Plan)


class Plans(Generic[Kind]):
    """The plans of one query, beside its checkpoint; each name is written once."""

    def __init__(self, places: Places, query: str, kind: type[Kind]) -> None:
        self._places, self._place, self._kind = places, places.plans(query), kind
        self._query = query

    def write(self, plan: Kind) -> Kind:
        """Write a plan down, unless one stands under its name; returns the one that stands.

        Its files are on the disk before it is there, and it is before this returns.
        """
        for table in {file.table for file in plan.files}:
            files = [file.path for file in plan.files_of(table)]
            sync(self._places, self._places.table(table), files)
        at = objects.store(self._place)
        is_new = objects.create(at, plan.name, msgspec.json.encode(plan))
        sync(self._places, self._place, [plan.name])
        if is_new:
            return plan
        return self._decoded(plan.name, objects.get(at, plan.name) or b"")

    def forget(self, plan: Kind) -> None:
        """Remove a plan that is carried out to its end."""
        objects.delete(objects.store(self._place), plan.name)

    def all(self, folder: str = "") -> list[Kind]:
        """Every plan that is kept, directly in a folder.

        Raises CheckpointError where one is not whole.
        """
        return [self._decoded(name, content) for name, content in self._contents(folder)]

    def whole(self, folder: str = "") -> list[Kind]:
        """The same without those that are not whole."""
        found = []
        for name, content in self._contents(folder):
            with suppress(CheckpointError):
                found.append(self._decoded(name, content))
        return found

    def _contents(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Those that are gone meanwhile are left out."""
        at, within = objects.reader(self._place), f"{folder}/" if folder else ""
        for name in (f"{within}{name}" for name in objects.names(at, folder)):
            content = objects.get(at, name)
            if content is not None:
                yield name, content

    def _decoded(self, name: str, content: bytes) -> Kind:
        try:
            return msgspec.json.decode(content, type=self._kind)
        except msgspec.DecodeError as error:
            raise torn(f"{self._place}/{name}", self._query) from error


class BatchPlans(Plans[BatchPlan]):
    """The plans of the batches of ingest."""

    def __init__(self, places: Places) -> None:
        super().__init__(places, INGEST.name, BatchPlan)

    def find(self, query_id: str, batch: int, start: str, end: str) -> BatchPlan | None:
        """The newest plan of a batch.

        Raises CheckpointError where it is of another offset range.
        """
        standing = newest([plan for plan in self.all(query_id) if plan.batch == batch])
        if standing is None:
            return None
        if (standing.start, standing.end) != (start, end):
            raise CheckpointError(
                f"the plan of batch {batch} in {self._place} is of another range of records:\n"
                f"    planned {standing.start} to {standing.end}\n    asked   {start} to {end}",
                f"the checkpoint was changed by hand: `logpond recover {INGEST.name}`",
            )
        return standing

    def forget_before(self, query_id: str, batch: int) -> None:
        """Remove the plans of earlier batches: a batch begins when those before are completed."""
        at = objects.store(self._place)
        for name in objects.names(at, query_id):
            if int(name.split(".")[0]) < batch:
                objects.delete(at, f"{query_id}/{name}")


def newest(plans: Sequence[BatchPlan]) -> BatchPlan | None:
    """The last attempt among plans of one batch."""
    return max(plans, key=lambda plan: plan.attempt, default=None)


def has_plan_before(places: Places, moment: datetime) -> bool:
    """Whether any query has a plan that was written before a moment, and is still kept."""
    root = objects.reader(places.checkpoints)
    ledgers = [name for name in objects.folders(root) if name.endswith(".ledger")]
    plans = (objects.reader(places.plans(name.removesuffix(".ledger"))) for name in ledgers)
    return any(written < moment for of in plans for written in objects.written(of))
