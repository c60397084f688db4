"""A holder that was frozen cannot commit: not even what it was just about to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support.lakes import Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import LeaseError, LogpondError
from lakehouse.paths import Places
from lakehouse.store import Key, Replacement, Writer
from lakehouse.store.lease.fence import Fence
from lakehouse.store.lease.record import Record, taken
from lakehouse.store.lease.takeover import fenced
from lakehouse.tables.catalog import LOGS

APP = "epoch/ingest"


@dataclass
class Granted:
    """A lease of an epoch whose holder does not know yet that it is over."""

    record: Record
    is_after_clean: bool = False
    meanwhile: Callable[[], None] = lambda: None

    def confirm(self) -> None:
        """Nothing against it."""
        self.meanwhile()

    def raise_epoch(self, epoch: int) -> None:
        """Takes it."""
        self.record = self.record.at_epoch(epoch)

    def when_lost(self, told: Callable[[LogpondError], None]) -> None:
        """Never told."""


def granted(epoch: int, is_clean: bool = False) -> Granted:
    """A lease of that epoch."""
    return Granted(taken(None, 10.0).at_epoch(epoch), is_clean)


def take(lake: Lake, epoch: int, is_clean: bool = False) -> Places:
    """A new holder of the lake; what it writes to."""
    return fenced(lake.places, APP, ["quarantine", "logs"], granted(epoch, is_clean))


def delayed(places: Places, meanwhile: Callable[[], object]) -> Places:
    """The same, where something happens once a commit was allowed, and before it is made."""
    left = [meanwhile]

    def confirm() -> None:
        if left:
            left.pop()()

    assert places.fence
    fence = Fence(places.fence.app, places.fence.epoch, confirm)
    return dataclasses.replace(places, fence=fence)


def epoch_of(lake: Lake) -> int | None:
    """What the table itself knows."""
    return store.open_table(lake.places, LOGS).transaction_version(APP)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """A lake with rows."""
    lake.put(events(range(3)))
    lake.put(events(range(3, 5)))
    return lake


WRITES: dict[str, Callable[[Places], object]] = {
    "append": lambda at: Writer(at, LOGS).append(events(range(9, 10)), Key("q/logs", 7)),
    "remove": lambda at: store.remove(at, LOGS, "_offset = 1", Key("import/x", 1)),
    "replace": lambda at: store.replace(
        at, LOGS, lambda _now: Replacement(events(range(1)), "_offset = 0")
    ),
    "merge": lambda at: [
        maintenance.rewrite(at, "logs", part.keys) for part in maintenance.parts(at, "logs")
    ],
    "property": lambda at: store.set_property(at, "logs", "logpond.x", "1"),
}
# deltalake gives no transaction to what changes no row: such a commit may still get in, once
GUARDED = sorted(WRITES.keys() - {"merge", "property"})


@pytest.mark.parametrize("write", WRITES)
def test_a_former_holder_cannot_write(filled: Lake, write: str) -> None:
    """Though nothing tells it but the table; the new one can."""
    before = take(filled, 1)
    now, version = take(filled, 2), store.open_table(filled.places, LOGS).version()
    with pytest.raises(LeaseError, match="epoch 2 writes ingest now"):
        WRITES[write](before)
    assert store.open_table(filled.places, LOGS).version() == version
    WRITES[write](now)


@pytest.mark.parametrize("write", GUARDED)
def test_a_former_holder_cannot_finish_a_commit(filled: Lake, write: str) -> None:
    """It was frozen after its last look at the table, and before its commit."""
    before = take(filled, 1)
    late = delayed(before, lambda: take(filled, 2))
    with pytest.raises(LeaseError, match="epoch 2 writes ingest now"):
        WRITES[write](late)
    assert (filled.coordinates(), epoch_of(filled)) == ([(0, o) for o in range(5)], 2)


@pytest.mark.parametrize("write", GUARDED)
def test_others_do_not_stop_a_holder(filled: Lake, write: str) -> None:
    """A commit of an import, or of who takes another lease, is no reason."""
    other = dataclasses.replace(filled.places, fence=Fence("epoch/import", 9, lambda: None))
    mine = delayed(take(filled, 1), lambda: WRITES["append"](other))
    WRITES[write](mine)
    assert epoch_of(filled) == 1


def test_a_merge_that_was_under_way_changes_no_row(filled: Lake) -> None:
    """A former holder of upkeep ends it; what it merges next is refused."""
    late = delayed(take(filled, 1), lambda: take(filled, 2))
    WRITES["merge"](late)
    with pytest.raises(LeaseError, match="epoch 2 writes ingest now"):
        WRITES["merge"](late)
    assert filled.coordinates() == [(0, o) for o in range(5)]


def test_a_start_after_a_clean_end_commits_nothing(filled: Lake) -> None:
    """The epoch comes with the first commit."""
    version = store.open_table(filled.places, LOGS).version()
    places = take(filled, 5, is_clean=True)
    assert (store.open_table(filled.places, LOGS).version(), epoch_of(filled)) == (version, None)
    WRITES["append"](places)
    assert epoch_of(filled) == 5


def test_the_tables_know_the_epoch_where_the_lease_does_not(filled: Lake) -> None:
    """As after it was deleted, or its folder was put back from an older copy."""
    take(filled, 7)
    held = granted(1, is_clean=True)
    places = fenced(filled.places, APP, ["quarantine", "logs"], held)
    assert held.record.epoch == epoch_of(filled)
    assert held.record.epoch > 7
    WRITES["append"](places)


@pytest.mark.parametrize("write", WRITES)
def test_a_holder_whose_lease_was_deleted_cannot_write(filled: Lake, write: str) -> None:
    """Its epoch is in no table yet: whoever comes next cannot know it, and has another one."""
    take(filled, 7)
    before = take(filled, 8, is_clean=True)
    fenced(filled.places, APP, ["quarantine", "logs"], granted(1))
    with pytest.raises(LeaseError, match="lost its lease"):
        WRITES[write](before)


def test_a_fence_changes_no_row(filled: Lake) -> None:
    """It is a commit of nothing but an application transaction."""
    take(filled, 3)
    assert filled.coordinates() == [(0, o) for o in range(5)]


def test_a_lake_without_tables_has_nothing_to_fence(lake: Lake) -> None:
    """A first start."""
    assert take(lake, 1).fence
