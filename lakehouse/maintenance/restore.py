"""Restores a table: an older version becomes the newest again, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse import past
from lakehouse.errors import TableError
from lakehouse.ingest.queries import INGEST
from lakehouse.maintenance.size import Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import open_table, set_property
from lakehouse.store.log import Log
from lakehouse.store.read import OLDEST_PROPERTY, oldest_kept
from lakehouse.store.retry import retried


def restore(places: Places, name: str, version: int) -> Upkeep:
    """Makes a new version with the rows of an older one.

    Transactions stay, so later commits count as done: ingest does not add them again by itself, and
    `recover` must look for the first record that is missing. Properties go back with the rows,
    except for what a vacuum noted. Raises CheckpointError while ingest runs here and the table is
    its own; TableError where the version is gone, or is the newest.
    """
    with _at_rest(places, name) as places:
        newest = open_table(places, name)
        restorable(places, name, version)
        if version == newest.version():
            raise TableError(
                f"table {name} is at version {version} already",
                f"there is nothing to restore; see `logpond history {name}`",
            )
        before = shape(places, name)
        retried(places, name, lambda at: _restore(at, name, version))
        if oldest := oldest_kept(newest):
            set_property(places, name, OLDEST_PROPERTY, str(oldest))
    return Upkeep(name, "RESTORE", before, shape(places, name))


def restorable(places: Places, name: str, version: int) -> DeltaTable:
    """Returns a table at a version that it can go back to.

    Raises TableError for any other, and says so where it can be read by the ledger all the same.
    """
    try:
        return open_table(places, name, version)
    except TableError as error:
        newest = open_table(places, name)
        kept = max(Log(places, name).oldest(), oldest_kept(newest))
        if not past.oldest(places, name, kept) <= version < kept:
            raise
        raise TableError(
            f"version {version} of table {name} can be read, but not restored: it has no files of "
            "its own any more, and is read from the rows of now by the ledger of commits",
            f"versions {kept} to {newest.version()} can be restored; `logpond sql` with "
            f"`--version {version}` reads it",
        ) from error


@contextmanager
def _at_rest(places: Places, name: str) -> Iterator[Places]:
    """Keeps ingest from a commit or a start until the end of the block; gives fenced places."""
    is_of_ingest = name in {table.name for table in INGEST.tables}
    with INGEST.alone(places) if is_of_ingest else nullcontext(places) as held:
        yield held


def _restore(at: DeltaTable, name: str, version: int) -> None:
    """Restores on this version only; on top of another commit it would restore less than all."""
    try:
        at.restore(version, commit_properties=CommitProperties(max_commit_retries=0))
    except CommitFailedError:
        raise
    except DeltaError as error:
        raise TableError(
            f"table {name} cannot be restored to version {version}: {error}",
            f"see `logpond history {name}` for the versions that can be read",
        ) from error
