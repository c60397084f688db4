"""Keeps snapshots of detector state on disk, so that a start folds only later minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from anomaly.engine.incident import start_of
from lakehouse.ingest.queries import MINUTES
from lakehouse.paths import Places
from lakehouse.store import durable, objects
from lakehouse.windows import recounted


class Folded(Protocol):
    """Anything that folds minutes."""

    @property
    def folded_to(self) -> int:
        """The last minute, since the epoch."""


class Hashed(Protocol):
    """Constants or rules, which a state is valid for."""

    @property
    def hash(self) -> str:
        """Digits that change when anything of it does."""


State = TypeVar("State", bound=msgspec.Struct)
Fold = TypeVar("Fold", bound=Folded)


class Snapshots:
    """The last states of one fold, in a folder of the query's ledger.

    Their names end with the hash of the configuration: a state of other constants is ignored. It is
    safe to delete any of them: the fold then begins at an earlier minute, which takes longer and
    gives the same incidents.
    """

    def __init__(self, places: Places, config: Hashed, folder: str, most: int) -> None:
        self._places, self._place = places, places.ledger(MINUTES.name)
        self._ledger = objects.store(self._place)
        self._folder, self._hash, self._most = folder, config.hash, most

    def newest(self, kind: type[State], load: Callable[[State], Fold]) -> Fold | None:
        """Returns what `load` makes of the newest state; None where none can be read.

        A state of minutes that were counted again since is ignored.
        """
        before = recounted.since(self._places)
        for name in reversed(self._names()):
            content = objects.get(self._ledger, f"{self._folder}/{name}")
            try:
                found = load(msgspec.msgpack.decode(content or b"", type=kind))
            except (msgspec.DecodeError, KeyError, ValueError):
                return None
            if before is None or start_of(found.folded_to) < before:
                return found
        return None

    def keep(self, name: str, state: msgspec.Struct) -> None:
        """Writes a state, and deletes the oldest ones; names sort by time."""
        content = msgspec.msgpack.encode(state)
        durable.put(self._places, self._place, f"{self._folder}/{name}-{self._hash}", content)
        for old in self._names()[: -self._most]:
            objects.delete(self._ledger, f"{self._folder}/{old}")

    def clear(self) -> None:
        """Deletes all states of this configuration."""
        for name in self._names():
            objects.delete(self._ledger, f"{self._folder}/{name}")

    def _names(self) -> list[str]:
        found = objects.names(self._ledger, self._folder)
        return sorted(name for name in found if name.endswith(f"-{self._hash}"))
