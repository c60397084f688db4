"""The epoch that each commit of a holder carries, so that none of a former holder gets in.

A commit to a Delta table is the next version, create-if-absent. It sets the application transaction
`epoch/<query>` to its epoch. deltalake looks at each version that came between the one it read and
the one it makes, and refuses where one of them set the same application's transaction: then the
table is read again, and `refuse_stale` finds the higher epoch. So between what was read and what is
committed no higher epoch can hide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deltalake import DeltaTable, Transaction

from lakehouse.errors import LeaseError

# Finds the version that an application has set in a table, as it was read.
Last = Callable[[DeltaTable, str], int | None]


@dataclass(frozen=True)
class Fence:
    """What a holder's commits carry; `confirm` raises LeaseError where its lease is not sure."""

    app: str
    epoch: int
    confirm: Callable[[], None]

    def transactions(self) -> list[Transaction]:
        """Returns what a commit has to set."""
        return [Transaction(self.app, self.epoch, int(time.time() * 1000))]

    def refuse_stale(self, table: DeltaTable, last: Last = DeltaTable.transaction_version) -> None:
        """Raises LeaseError where a version of a table, as it was read, has a higher epoch."""
        newest = last(table, self.app)
        if newest is not None and newest > self.epoch:
            raise LeaseError(
                f"this process lost its lease: epoch {newest} writes {self.app.partition('/')[2]} "
                f"now, and this one is of epoch {self.epoch}",
                "nothing is lost: the other one goes on from here; `--standby` waits for its end",
            )

    def check(self, table: DeltaTable, last: Last = DeltaTable.transaction_version) -> None:
        """Raises LeaseError where it is not sure that this process may commit to what it read."""
        self.confirm()
        self.refuse_stale(table, last)


def checked(
    fence: Fence | None, table: DeltaTable, last: Last = DeltaTable.transaction_version
) -> list[Transaction]:
    """Returns what a commit on top of a version has to set; nothing where nothing is fenced.

    Raises LeaseError where the version has a higher epoch.
    """
    if fence is None:
        return []
    fence.check(table, last)
    return fence.transactions()
