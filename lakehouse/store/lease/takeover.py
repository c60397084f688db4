"""What a new holder does before anything else: it takes a higher epoch, and fences its tables."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable
from contextlib import suppress

from deltalake import CommitProperties, DeltaTable

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store.lease.fence import Fence
from lakehouse.store.lease.grant import Grant
from lakehouse.store.read import table_or_none
from lakehouse.store.retry import retried

# Nobody is taken over so often before a commit; of two that jump, hardly ever both as far.
JUMP = 1 << 20


def fenced(places: Places, app: str, tables: Iterable[str], held: Grant) -> Places:
    """Returns places whose commits carry the epoch of `held`, as the transaction `app`.

    The tables know the highest epoch even where the lease was deleted or is an old copy. Its holder
    may have a higher one that is in no table yet, so the new one is far away from it. Where the
    holder before did not release, each table gets a commit of the new epoch, which changes no row:
    what is read from then on, no commit of the former holder can come after.
    """
    newest = {name: _epoch(places, name, app) for name in tables}
    most = max((epoch for epoch in newest.values() if epoch is not None), default=0)
    is_unclean = not held.is_after_clean or most >= held.record.epoch
    if most >= held.record.epoch:
        held.raise_epoch(most + JUMP + secrets.randbelow(JUMP))
    made = dataclasses.replace(places, fence=Fence(app, held.record.epoch, held.confirm))
    for name, epoch in newest.items() if is_unclean else ():
        if epoch is not None:
            retried(made, name, lambda at: _fence(made, at))
    return made


def highest(places: Places, app: str, tables: Iterable[str]) -> int:
    """Returns the highest epoch that tables have; 0 for none."""
    return max((_epoch(places, name, app) or 0 for name in tables), default=0)


def _epoch(places: Places, name: str, app: str) -> int | None:
    """Returns the epoch that a table has; None where there is no table, or none that is whole."""
    with suppress(TableError):
        found = table_or_none(places, name)
        return None if found is None else found.transaction_version(app) or 0
    return None


def _fence(places: Places, at: DeltaTable) -> None:
    assert places.fence
    at.create_write_transaction(
        [],
        "append",
        at.schema(),
        at.metadata().partition_columns,
        commit_properties=CommitProperties(app_transactions=places.fence.transactions()),
    )
