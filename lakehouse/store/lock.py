"""Lets one process at a time work on a place: a folder, or a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lakehouse.errors import StorageError
from lakehouse.store import objects
from lakehouse.store.lease.bucket import held_in_bucket, holder_in_bucket
from lakehouse.store.lease.folder import held_in_folder, holder_in_folder
from lakehouse.store.lease.grant import Grant, Standby
from lakehouse.store.lease.record import Record

TTL_SECONDS = 15.0


@contextmanager
def alone(
    place: str,
    what: str,
    ttl: float = TTL_SECONDS,
    standby: Standby | None = None,
    is_known: Callable[[], bool] = lambda: False,
) -> Iterator[Grant]:
    """Holds the lock of `place` for `what`, until the end of the block.

    Raises CheckpointError, which says who, where another process holds it; with a standby it waits.
    `is_known` is asked where a bucket has no lease: whether there was one, which was deleted.
    """
    folder = objects.folder(place)
    if folder is not None:
        with held_in_folder(folder, what, standby) as held:
            yield held
    else:
        with held_in_bucket(
            objects.leases(place, ttl), place, what, ttl, standby, is_known
        ) as lease:
            yield lease


@dataclass(frozen=True)
class Holding:
    """Whether a place is held now, None where that cannot be known; and by whom, if it says so."""

    is_held: bool | None
    by: Record | None = None


def holder(place: str) -> Holding:
    """Returns whether a process holds `place` now, and who it is."""
    folder = objects.folder(place)
    if folder is not None:
        return Holding(*holder_in_folder(folder))
    try:
        return Holding(*holder_in_bucket(objects.leases(place, TTL_SECONDS)))
    except (OSError, StorageError):
        return Holding(None)


def is_held(place: str) -> bool | None:
    """Whether a process holds `place` now; None where a bucket does not say."""
    return holder(place).is_held
