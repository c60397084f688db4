"""The plan of a batch: which files it will commit, written down before the first commit.

A replayed batch carries out the plan that stands, so a crash between two commits, or a decode
that changed in between, neither loses nor repeats a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lakehouse.errors import CheckpointError
from lakehouse.paths import Places
from lakehouse.store import DataFile, Key, objects


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Files by table for the records of one batch; `start` and `end` as the source wrote them.

    `attempt` counts how often the batch was decoded anew because a planned file was missing.
    """

    query_id: str
    batch: int
    start: str
    end: str
    files: list[DataFile]
    attempt: int = 0

    def files_of(self, table: str) -> list[DataFile]:
        """The planned files of one table."""
        return [file for file in self.files if file.table == table]

    def rows_of(self, table: str) -> int:
        """How many rows the plan brings to a table."""
        return sum(file.rows for file in self.files_of(table))

    def key(self, table: str) -> Key:
        """The application transaction of the plan's commit to a table."""
        return Key(app_id(self.query_id, table, self.attempt), self.batch)


def app_id(query_id: str, table: str, attempt: int = 0) -> str:
    """Unique to a checkpoint and a table, and to a repeated decode of a batch."""
    return f"{query_id}/{table}" + (f"/{attempt}" if attempt else "")


class Plans:
    """The plans beside the checkpoint of one query; each name is written once."""

    def __init__(self, places: Places, query: str) -> None:
        self._place, self._query = places.ledger(query), query
        self._ledger = objects.store(self._place)

    def find(self, query_id: str, batch: int, start: str, end: str) -> Plan | None:
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
                f"the checkpoint was changed by hand: `logpond recover {self._query}`",
            )
        return standing

    def write(self, plan: Plan) -> Plan:
        """Write a plan down, unless one stands: then that one counts."""
        name = f"plans/{plan.query_id}/{plan.batch}.{plan.attempt}.json"
        if objects.create(self._ledger, name, msgspec.json.encode(plan)):
            return plan
        return msgspec.json.decode(objects.get(self._ledger, name) or b"", type=Plan)

    def all(self, query_id: str) -> list[Plan]:
        """Every plan of a query that is kept."""
        folder = f"plans/{query_id}"
        contents = [objects.get(self._ledger, f"{folder}/{name}") for name in self._names(query_id)]
        return [msgspec.json.decode(content, type=Plan) for content in contents if content]

    def forget(self, query_id: str, before: int) -> None:
        """Remove the plans of batches that are completed."""
        for name in self._names(query_id):
            if int(name.split(".")[0]) < before:
                objects.delete(self._ledger, f"plans/{query_id}/{name}")

    def _names(self, query_id: str) -> list[str]:
        return objects.names(self._ledger, f"plans/{query_id}")


def has_plan_before(places: Places, moment: datetime) -> bool:
    """Whether any query has a plan that was written before a moment, and is still kept."""
    root = objects.reader(places.checkpoints)
    for ledger in (name for name in objects.folders(root) if name.endswith(".ledger")):
        plans = objects.reader(f"{places.checkpoints}/{ledger}/plans")
        if any(written < moment for written in objects.written(plans)):
            return True
    return False


def newest(plans: Sequence[Plan]) -> Plan | None:
    """The last attempt among plans of one batch."""
    return max(plans, key=lambda plan: plan.attempt, default=None)


def is_whole(places: Places, plan: Plan, table: str) -> bool:
    """Whether every planned file of a table is there, with its size."""
    folder = objects.reader(places.table(table))
    return all(objects.size(folder, file.path) == file.size for file in plan.files_of(table))
