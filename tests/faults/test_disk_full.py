"""A full disk stops the stream in words, leaves no version half written, and costs no record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import produced
from support.disks import Disk, small_disk
from support.promise import broken
from support.streams import Once, running, settings, until

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

NOISE = re.compile(r"Traceback|Exception|panicked|^\s+at |Debug source", re.MULTILINE)
LOAD = ("--rate", "500", "--malformed", "0.05")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 32 MB."""
    with small_disk(tmp_path / "disk", megabytes=32) as made:
        yield made


def until_full(asked: Settings, disk: Disk, left: int) -> tuple[int, str]:
    """Stream until the disk is filled; the exit code, and all that was said since."""
    with running(asked, "--trigger", "0.5") as stream:
        until(stream, " batch 1 ")
        disk.fill(left)
        said, _ = stream.communicate(timeout=120)
        return stream.returncode, said


def unreadable(places: Places) -> list[str]:
    """Versions of the tables whose rows cannot be read, or are fewer than those before."""
    faults = []
    for table in (LOGS, QUARANTINE):
        versions = range(store.open_table(places, table).version() + 1)
        counts = [
            store.open_table(places, table, v).to_pyarrow_table(columns=["_offset"]).num_rows
            for v in versions
        ]
        faults += [] if counts == sorted(counts) else [f"{table.name}: {counts}"]
    return faults


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("lake", 0),
        pytest.param("checkpoints", 0, marks=pytest.mark.nightly),
        pytest.param("checkpoints", 3, marks=pytest.mark.nightly),
    ],
)
def test_full_disk_is_told_and_costs_nothing(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once, disk: Disk, where: str, left: int
) -> None:
    """It ends in words, every version can be read, and with room it goes on to each record once."""
    places = {"lake": tmp_path / "lake", "checkpoints": tmp_path / "checkpoints"}
    places[where] = disk.root / where
    asked = settings(
        broker.bootstrap, topic.name, places["lake"], checkpoints=str(places["checkpoints"])
    )
    load = produced.start(broker.bootstrap, topic.name, tmp_path / "producer", *LOAD)
    code, said = until_full(asked, disk, left)
    load.terminate()
    acked = produced.end(load).last["acked"]
    assert (code, NOISE.findall(said)) == (2, []), said
    assert f"the disk that holds {places[where]}" in said
    assert (unreadable(Places.of(asked)), verify(Places.of(asked)).ok) == ([], True)

    disk.make_room()
    once(asked)
    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, acked), verdict
    assert broken(broker.bootstrap, Places.of(asked), topic.name) == []
