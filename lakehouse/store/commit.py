"""Appends that happen once per key, however often they are repeated, by whichever writer."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import files
from lakehouse.store.disk import in_words
from lakehouse.store.files import DataFile
from lakehouse.store.read import NOTE
from lakehouse.store.schema import create
from lakehouse.tables.catalog import Table

ATTEMPTS = 20


@dataclass(frozen=True)
class Key:
    """Names a commit: `version` rises within `app`, which is unique to a checkpoint and a table."""

    app: str
    version: int


class Writer(Protocol):
    """What commits to one table; both writers pass the same contract tests."""

    def last(self, app: str) -> int | None:
        """The version of the newest commit of `app`, None before its first."""

    def commit(self, written: Sequence[DataFile], key: Key) -> bool:
        """Add files to the table, unless `key` was committed before; whether it was done now."""

    def append(self, rows: pa.Table, key: Key) -> bool:
        """Write rows and add them, unless `key` was committed before; whether it was done now."""

    def close(self) -> None:
        """Let go of the table."""


class DeltaWriter:
    """Commits by deltalake: create-if-absent in the log, so that many processes may write."""

    def __init__(self, places: Places, table: Table) -> None:
        self._table, self._root = table, places.table(table)
        self._handle = create(places, table)

    def last(self, app: str) -> int | None:
        """The version of the newest commit of `app`, None before its first."""
        self._handle.update_incremental()
        return self._handle.transaction_version(app)

    def commit(self, written: Sequence[DataFile], key: Key) -> bool:
        """Add files to the table, unless `key` was committed before; whether it was done now.

        Raises TableError when others kept winning.
        """
        for attempt in range(ATTEMPTS):
            if is_done(self.last(key.app), key):
                return False
            try:
                with in_words(self._root):
                    self._add(written, key)
            except CommitFailedError:
                time.sleep(random.uniform(0, 0.05 * (attempt + 1)))
            else:
                return True
        raise TableError(
            f"table {self._table.name} did not take a commit: {ATTEMPTS} conflicts",
            "another process commits to it without a pause; try again",
        )

    def append(self, rows: pa.Table, key: Key) -> bool:
        """Write rows and add them, unless `key` was committed before; whether it was done now."""
        if is_done(self.last(key.app), key):
            return False
        name = f"part-{key.version}"
        return self.commit(files.write(self._table, rows, self._root, name), key)

    def close(self) -> None:
        """Nothing is held."""

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
