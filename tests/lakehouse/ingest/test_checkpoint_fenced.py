"""Who lost its lease leaves the checkpoint of the next holder as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support.bucket import Bucket
from support.lakes import QUERY, Lake

from lakehouse.errors import LeaseError
from lakehouse.ingest.checkpoint import MANIFEST, Checkpoint
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.lease.fence import Fence
from streaming.repair.recover import anew, moved


def fenced(places: Places, confirm: Callable[[], None]) -> Places:
    """The places of a holder."""
    return dataclasses.replace(places, fence=Fence(f"epoch/{QUERY}", 1, confirm))


def lost() -> None:
    """Another process has the lease."""
    raise LeaseError("lost", "")


def content(places: Places) -> dict[str, bytes]:
    """Every file below the checkpoints."""
    files = [path for path in Path(places.checkpoints).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files}


STEPS: dict[str, Callable[[Places], object]] = {
    "adopt": lambda at: moved(at, QUERY),
    "retire": lambda at: Checkpoint(at, QUERY).retire(".before"),
    "anew": lambda at: anew(at, QUERY),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_nothing_is_written_or_moved(running: Lake, step: Callable[[Places], object]) -> None:
    """By a recovery that slept past its time."""
    before = content(running.places)
    with pytest.raises(LeaseError):
        step(fenced(running.places, lost))
    assert content(running.places) == before


def test_a_torn_manifest_stays(running: Lake) -> None:
    """Perhaps the next holder's is there now."""
    Path(running.places.ledger(QUERY), MANIFEST).write_bytes(b"{")
    before = content(running.places)
    with pytest.raises(LeaseError):
        Checkpoint(fenced(running.places, lost), QUERY).put_torn_manifest_aside()
    assert content(running.places) == before


def test_a_manifest_of_another_is_not_written_over(bucket: Bucket) -> None:
    """It came when this process had been allowed to write, just before it did."""
    lake = Lake(Places.at(bucket.url))
    mine = lake.adopt({0: 0})
    theirs = msgspec.structs.replace(mine, query_id="theirs")

    def meanwhile() -> None:
        at = objects.store(lake.places.ledger(QUERY))
        objects.put(at, MANIFEST, msgspec.json.encode(theirs))

    with pytest.raises(LeaseError, match="another process wrote"):
        Checkpoint(fenced(lake.places, meanwhile), QUERY).adopt(mine)
    assert lake.checkpoint.manifest() == theirs


def test_a_manifest_is_replaced_in_a_bucket(bucket: Bucket) -> None:
    """Again and again, by who holds the lease."""
    lake = Lake(Places.at(bucket.url))
    mine = lake.adopt({0: 0})
    for _ in range(2):
        Checkpoint(fenced(lake.places, lambda: None), QUERY).adopt(mine)
    assert lake.checkpoint.manifest() == mine
