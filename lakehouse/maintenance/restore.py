"""A table as it was: an older version becomes the newest one again, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse.errors import TableError
from lakehouse.ingest.queries import INGEST
from lakehouse.maintenance.size import Upkeep, shape
from lakehouse.paths import Places
from lakehouse.store import open_table, set_property
from lakehouse.store.read import OLDEST_PROPERTY, oldest_kept
from lakehouse.store.retry import retried


def restore(places: Places, name: str, version: int) -> Upkeep:
    """Make a new version that holds the rows of an older one.

    Transactions stay: what later commits brought is known as done, so ingest does not bring it
    again by itself, and `recover` must look for the first record that is missing. Properties go
    back with the rows, but for what a vacuum noted. CheckpointError while ingest runs here and
    the table is its own; TableError where the version is gone, or is the newest.
    """
    with _at_rest(places, name):
        newest = open_table(places, name)
        open_table(places, name, version)
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


@contextmanager
def _at_rest(places: Places, name: str) -> Iterator[None]:
    """Ingest may not commit meanwhile, nor start from what it believes to be there."""
    is_of_ingest = name in {table.name for table in INGEST.tables}
    with INGEST.alone(places) if is_of_ingest else nullcontext():
        yield


def _restore(at: DeltaTable, name: str, version: int) -> None:
    """On top of another commit it would restore less than all: then it starts again."""
    try:
        at.restore(version, commit_properties=CommitProperties(max_commit_retries=0))
    except CommitFailedError:
        raise
    except DeltaError as error:
        raise TableError(
            f"table {name} cannot be restored to version {version}: {error}",
            f"see `logpond history {name}` for the versions that can be read",
        ) from error
