"""Plans: the files that will be committed, written before the first commit.

After a crash the next process carries out the existing plan. So a crash between two commits, or a
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
from lakehouse.ingest.offsets import parse_offsets
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.runs import Run
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, Writer, durable, objects
from lakehouse.store.commit import is_done

TIDIED_EVERY = 100  # batches


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Files by table; each table gets its files in one commit, under a transaction of its own."""

    files: list[DataFile]

    @property
    def name(self) -> str:
        """The name of its object, below `plans/` of its query's ledger."""
        raise NotImplementedError

    def key(self, table: str) -> Key:
        """The application transaction of its commit to a table."""
        raise NotImplementedError

    def files_of(self, table: str) -> list[DataFile]:
        """The planned files of one table."""
        return [file for file in self.files if file.table == table]

    def rows_of(self, table: str) -> int:
        """Returns how many rows the plan adds to a table."""
        return sum(file.rows for file in self.files_of(table))


class BatchPlan(Plan, frozen=True, kw_only=True):
    """The plan of one micro-batch; `start` and `end` are offsets as the source wrote them.

    `attempt` counts how often the batch was decoded again because a planned file was missing.
    `invisible` are the offsets of its range that Kafka gives to no reader, by topic; a plan from
    the times of one topic has them without it.
    """

    query_id: str
    batch: int
    start: str
    end: str
    attempt: int = 0
    invisible: dict[str, list[Run]] | list[Run] = {}

    @property
    def name(self) -> str:
        """One object a batch and attempt, in a folder of the checkpoint's query id."""
        return f"{self.query_id}/{self.batch}.{self.attempt}.json"

    def key(self, table: str) -> Key:
        """A transaction of its own for each attempt, numbered by the batch."""
        return Key(app_id(self.query_id, table, self.attempt), self.batch)


def app_id(query_id: str, table: str, attempt: int = 0) -> str:
    """Returns a name that is unique to a checkpoint, a table, and an attempt."""
    return f"{query_id}/{table}" + (f"/{attempt}" if attempt else "")


def carry_out(
    plan: Plan,
    writers: Mapping[str, Writer],
    skip: Collection[str] = (),
    reached: Callable[[str], None] = lambda _table: None,
) -> bool:
    """Commits the planned files of each table, in the order of `writers`.

    Returns whether any commit was made now. Safe to repeat after a crash at any point: what is
    already in a table is not committed again. Call `lost_tables` first: whether the files exist is
    not checked here. `skip` names tables to leave out; `reached` is called with each table after
    it.
    """
    is_new = False
    for table, writer in writers.items():
        if table not in skip and plan.files_of(table):
            is_new |= writer.commit(plan.files_of(table), plan.key(table))
        reached(table)
    return is_new


def note_invisible(places: Places, plan: BatchPlan) -> None:
    """Notes for good which offsets no reader gets, before the plan is deleted.

    Safe to repeat.
    """
    by_topic = plan.invisible
    if isinstance(by_topic, list):
        by_topic = dict.fromkeys(parse_offsets(plan.end), by_topic)
    stretches = [Stretch(topic, *run) for topic, of in by_topic.items() for run in of]
    if stretches:
        Absent(places).note("invisible", f"{plan.query_id}-{plan.batch}", noted(stretches))
    if plan.batch % TIDIED_EVERY == 0:
        Absent(places).tidy("invisible")


def lost_tables(places: Places, plan: Plan, writers: Mapping[str, Writer]) -> list[str]:
    """Returns the tables that a plan cannot be committed to any more: a planned file is missing."""
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
    """The plans of one query, next to its checkpoint; each name is written once."""

    def __init__(self, places: Places, query: str, kind: type[Kind]) -> None:
        self._places, self._place, self._kind = places, places.plans(query), kind
        self._query = query

    def write(self, plan: Kind) -> Kind:
        """Writes a plan unless one of its name exists. Returns the one that exists then.

        With `durability = "power"` its files are synced first, and the plan before this returns.
        Raises LeaseError where this process may not write any more.
        """
        if self._places.fence:
            self._places.fence.confirm()
        for table in {file.table for file in plan.files}:
            files = [file.path for file in plan.files_of(table)]
            durable.sync(self._places, self._places.table(table), files)
        if durable.create(self._places, self._place, plan.name, msgspec.json.encode(plan)):
            return plan
        return self._decoded(plan.name, objects.get(objects.store(self._place), plan.name) or b"")

    def forget(self, plan: Kind) -> None:
        """Deletes a plan that is carried out."""
        if self._places.fence:
            self._places.fence.confirm()
        objects.delete(objects.store(self._place), plan.name)

    def all(self, folder: str = "") -> list[Kind]:
        """Returns every plan that is kept, directly in a folder.

        Raises CheckpointError where one is not whole.
        """
        return [self._decoded(name, content) for name, content in self._contents(folder)]

    def whole(self, folder: str = "") -> list[Kind]:
        """Returns the plans that are whole."""
        found = []
        for name, content in self._contents(folder):
            with suppress(CheckpointError):
                found.append(self._decoded(name, content))
        return found

    def _contents(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Yields name and content of plans, without those that are gone meanwhile."""
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

    def write(self, plan: BatchPlan) -> BatchPlan:
        """Writes a plan unless one of its name exists. Returns the one that exists then.

        Raises CheckpointError where that one is of another range of offsets.
        """
        return self._of_range(super().write(plan), plan.start, plan.end)

    def find(self, query_id: str, batch: int, start: str, end: str) -> BatchPlan | None:
        """Returns the newest plan of a batch; None where there is none.

        Raises CheckpointError where it has another range of offsets, or where the batch before it
        was planned up to other offsets than where this one begins: then another process wrote
        offsets into this checkpoint meanwhile.
        """
        kept = self.all(query_id)
        before = newest([plan for plan in kept if plan.batch == batch - 1])
        if before is not None:
            self._of_range(before, before.start, start)
        standing = newest([plan for plan in kept if plan.batch == batch])
        return None if standing is None else self._of_range(standing, start, end)

    def _of_range(self, plan: BatchPlan, start: str, end: str) -> BatchPlan:
        if plan.end == end and _is_within(plan.start, start):
            return plan
        raise CheckpointError(
            f"the plan of batch {plan.batch} in {self._place} is of another range of records:\n"
            f"    planned {plan.start} to {plan.end}\n    asked   {start} to {end}",
            "the checkpoint was changed by hand, or by a process that had lost its lease: "
            f"`logpond recover {INGEST.name}`",
        )

    def forget_before(self, query_id: str, batch: int) -> None:
        """Remove the plans of earlier batches: a batch begins when those before are completed."""
        at = objects.store(self._place)
        for name in objects.names(at, query_id):
            if int(name.split(".")[0]) < batch:
                objects.delete(at, f"{query_id}/{name}")


def _is_within(planned: str, asked: str) -> bool:
    """True if a range begins as it was planned; its manifest may have got more topics since."""
    before, now = parse_offsets(planned), parse_offsets(asked)
    return planned == asked or bool(before and all(now.get(t) == of for t, of in before.items()))


def newest(plans: Sequence[BatchPlan]) -> BatchPlan | None:
    """The last attempt among plans of one batch."""
    return max(plans, key=lambda plan: plan.attempt, default=None)


def has_plan_before(places: Places, moment: datetime) -> bool:
    """Whether any query has a plan that was written before a moment, and is still kept."""
    root = objects.reader(places.checkpoints)
    ledgers = [name for name in objects.folders(root) if name.endswith(".ledger")]
    plans = (objects.reader(places.plans(name.removesuffix(".ledger"))) for name in ledgers)
    return any(written < moment for of in plans for written in objects.written(of))
