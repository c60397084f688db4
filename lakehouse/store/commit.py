"""Appends that happen once per key, however often they are repeated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, PostCommitHookProperties, Transaction
from deltalake.transaction import AddAction

from lakehouse.paths import Places
from lakehouse.store import files
from lakehouse.store.files import DataFile
from lakehouse.store.read import NOTE
from lakehouse.store.retry import retried_on_conflict
from lakehouse.store.schema import create
from lakehouse.tables.catalog import Table


@dataclass(frozen=True)
class Key:
    """Names a commit: `version` rises within `app`, which is unique to a checkpoint and a table."""

    app: str
    version: int


class Writer:
    """Commits to one table; create-if-absent in its log, so that many processes may write."""

    def __init__(self, places: Places, table: Table) -> None:
        self._places, self._table = places, table
        self._handle = create(places, table)

    def last(self, app: str) -> int | None:
        """The version of the newest commit of `app`, None before its first."""
        self._handle.update_incremental()
        return self._handle.transaction_version(app)

    def commit(self, written: Sequence[DataFile], key: Key) -> bool:
        """Add files to the table, unless `key` was committed before; whether it was done now.

        Raises TableError where others kept winning.
        """
        once = partial(self._commit_unless_done, written, key)
        return retried_on_conflict(self._places, self._table.name, once)

    def append(self, rows: pa.Table, key: Key) -> bool:
        """Write rows and add them, unless `key` was committed before; whether it was done now."""
        if is_done(self.last(key.app), key):
            return False
        root, name = self._places.table(self._table), f"part-{key.version}"
        return self.commit(files.write(self._table, rows, root, name), key)

    def _commit_unless_done(self, written: Sequence[DataFile], key: Key) -> bool:
        if is_done(self.last(key.app), key):
            return False
        self._add(written, key)
        return True

    def _add(self, written: Sequence[DataFile], key: Key) -> None:
        now = int(time.time() * 1000)
        self._handle.create_write_transaction(
            [AddAction(f.path, f.size, f.partition, now, True, f.stats) for f in written],
            mode="append",
            schema=self._handle.schema(),
            partition_by=[*self._table.partition_by],
            commit_properties=CommitProperties(
                custom_metadata={NOTE: note(written, key)},
                app_transactions=[Transaction(key.app, key.version, now)],
            ),
            # upkeep trims the log; to look for what expired costs 120 ms at 20,000 entries
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )


def is_done(last: int | None, key: Key) -> bool:
    """Whether a commit of `key` is in the table, given the newest of its application."""
    return last is not None and last >= key.version


def note(written: Sequence[DataFile], key: Key) -> str:
    """What a commit says of itself in the history: its key and its rows, as JSON."""
    rows = sum(file.rows for file in written)
    return msgspec.json.encode({"writer": key.app, "batch": key.version, "rows": rows}).decode()
