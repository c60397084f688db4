"""Upkeep beside others that change the same files: tried again, then said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from deltalake import DeltaTable
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.store.retry import ATTEMPTS, retried
from lakehouse.tables.catalog import LOGS


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A lake whose one hour has three files."""
    for number in range(3):
        lake.put(events([number]), key=f"put-{number}")
    return lake


def merged_late(lake: Lake, times: int) -> tuple[Callable[[DeltaTable], object], list[int]]:
    """A merge before which, so many times, another process replaces the rows."""
    seen: list[int] = []

    def merge(at: DeltaTable) -> object:
        seen.append(at.version())
        if len(seen) <= times:
            store.open_table(lake.places, LOGS).update(updates={"level": f"'{len(seen)}'"})
            lake.put(events([100 + len(seen)]), key=f"more-{len(seen)}")
        return at.optimize.compact()

    return merge, seen


def test_a_conflict_is_tried_again_on_the_newest_state(worn: Lake) -> None:
    """What the other wrote stays, and the files are merged."""
    merge, seen = merged_late(worn, times=1)
    retried(worn.places, "logs", merge)

    found = store.open_table(worn.places, LOGS)
    assert (len(seen), len(found.file_uris()), found.count()) == (2, 1, 4)


@pytest.mark.nightly
@pytest.mark.slow
def test_others_that_keep_winning_are_said(worn: Lake) -> None:
    """With what to do, after a bounded number of attempts; nothing is lost."""
    merge, seen = merged_late(worn, times=ATTEMPTS)
    with pytest.raises(TableError, match="conflicts") as error:
        retried(worn.places, "logs", merge)

    assert "try again" in error.value.remedy
    assert (len(seen), worn.count()) == (ATTEMPTS, 3 + ATTEMPTS)
