"""Deletes rows of a table: once per key, however often it is repeated, or by what rows they are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from deltalake import CommitProperties, DeltaTable, Transaction

from lakehouse.paths import Places
from lakehouse.store.commit import Key, is_done
from lakehouse.store.lease.fence import checked
from lakehouse.store.read import NOTE
from lakehouse.store.replace import WRITTEN
from lakehouse.store.retry import retried
from lakehouse.tables.catalog import Table


def remove(places: Places, table: Table, where: str, key: Key) -> bool:
    """Deletes the rows `where` (SQL), unless `key` was committed before. Returns whether it did.

    It makes one commit, even if no row is left to delete. Raises TableError where others kept
    winning.
    """
    return retried(places, table.name, lambda at: _remove(places, at, table, where, key))


def remove_rows(places: Places, name: str, where: str, note: Mapping[str, Any]) -> None:
    """Deletes the rows `where` (SQL, which the history keeps) in one commit, if there are any.

    Raises TableError where others kept winning.
    """
    text = msgspec.json.encode(note).decode()

    def change(at: DeltaTable) -> None:
        done = CommitProperties(
            custom_metadata={NOTE: text}, app_transactions=checked(places.fence, at)
        )
        at.delete(where, commit_properties=done, writer_properties=WRITTEN)

    retried(places, name, change)


def _remove(places: Places, at: DeltaTable, table: Table, where: str, key: Key) -> bool:
    if is_done(at.transaction_version(key.app), key):
        return False
    before, note = at.version(), {"writer": key.app, "batch": key.version}
    done = CommitProperties(
        custom_metadata={NOTE: msgspec.json.encode(note).decode()},
        app_transactions=[
            Transaction(key.app, key.version, int(time.time() * 1000)),
            *checked(places.fence, at),
        ],
    )
    at.delete(where, commit_properties=done)
    if at.version() == before:  # deltalake commits nothing where nothing matches
        at.create_write_transaction(
            [], "append", at.schema(), [*table.partition_by], commit_properties=done
        )
    return True
