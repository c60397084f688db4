"""Appends that happen once per key, however often they are repeated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, PostCommitHookProperties, Transaction
from deltalake.transaction import AddAction

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import files
from lakehouse.store.files import DataFile
from lakehouse.store.lease.fence import checked
from lakehouse.store.read import NOTE
from lakehouse.store.retry import retried_on_conflict
from lakehouse.store.schema import create
from lakehouse.store.transactions import Transactions
from lakehouse.tables.catalog import Table


@dataclass(frozen=True)
class Key:
    """Names a commit: `version` rises within `app`, which is unique to a checkpoint and a table."""

    app: str
    version: int


class Writer:
    """Commits to one table, which is created if missing. Many processes may write to it."""

    def __init__(self, places: Places, table: Table) -> None:
        self._places, self._table = places, table
        self._fence = places.fence
        self._handle = create(places, table)
        self._committed: dict[str, int] = {}
        self._transactions = Transactions(places, table.name)

    def under(self, places: Places) -> Writer:
        """Returns a writer to the same table whose commits are fenced as those places are."""
        made = copy(self)
        made._places, made._fence = places, places.fence
        return made

    def last(self, app: str) -> int | None:
        """Returns the version of the newest commit of `app`; None before its first.

        Raises TableError where the table has lost one that this writer made.
        """
        self._handle.update_incremental()
        found, made = self._transactions.last(self._handle, app), self._committed.get(app)
        if made is not None and (found is None or found < made):
            raise overwritten(self._table.name)
        return found

    def commit(self, written: Sequence[DataFile], key: Key) -> bool:
        """Adds files to the table, unless `key` was committed before. Returns whether it did.

        Raises TableError where others kept winning, or wrote over an earlier commit.
        """
        once = partial(self._commit_unless_done, written, key)
        return retried_on_conflict(self._places, self._table.name, once)

    def append(self, rows: pa.Table, key: Key) -> bool:
        """Writes rows and adds them, unless `key` was committed before. Returns whether it did."""
        if is_done(self.last(key.app), key):
            return False
        root, name = self._places.table(self._table), f"part-{key.version}"
        return self.commit(files.write(self._table, rows, root, name), key)

    def _commit_unless_done(self, written: Sequence[DataFile], key: Key) -> bool:
        if is_done(self.last(key.app), key):
            return False
        fence = checked(self._fence, self._handle, self._transactions.last)
        self._add(written, key, fence)
        return True

    def _add(self, written: Sequence[DataFile], key: Key, fence: list[Transaction]) -> None:
        now = int(time.time() * 1000)
        self._handle.create_write_transaction(
            [AddAction(f.path, f.size, f.partition, now, True, f.stats) for f in written],
            mode="append",
            schema=self._handle.schema(),
            partition_by=[*self._table.partition_by],
            commit_properties=CommitProperties(
                custom_metadata={NOTE: note(written, key)},
                app_transactions=[Transaction(key.app, key.version, now), *fence],
            ),
            # upkeep trims the log; to look for what expired costs 120 ms at 20,000 entries
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )
        self._committed[key.app] = key.version


def overwritten(table: str) -> TableError:
    """Returns the error for a table in which another commit took the place of ours.

    Spark looks whether an entry of the log is there, and then puts its own there: what was
    committed in between is gone, with its rows (decision 46).
    """
    return TableError(
        f"a commit to table {table} is gone: another engine wrote its own over it, as Spark does; "
        f"`logpond history {table}` says which",
        "let nothing but logpond commit to this table, then `logpond recover ingest`: it takes "
        "the records again that the table lacks",
    )


def is_done(last: int | None, key: Key) -> bool:
    """Whether a commit of `key` is in the table; `last` is the newest one of its application."""
    return last is not None and last >= key.version


def note(written: Sequence[DataFile], key: Key) -> str:
    """Returns what a commit notes in the history: its key and its rows, as JSON."""
    rows = sum(file.rows for file in written)
    return msgspec.json.encode({"writer": key.app, "batch": key.version, "rows": rows}).decode()
