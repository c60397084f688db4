"""With `durability = "power"` the loss of power costs no more than the end of a process does.

The lake lies on an ext4 of its own. After the kill its device is taken as it is at that moment,
without what the kernel still had to write, and mounted anew: the journal is replayed, and what
nobody synced is missing or empty. Kafka's records lie elsewhere: a broker alone that loses power
loses records that it had acknowledged, and only replicas help. A disk that lies about what it
wrote is not simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from support import produced
from support.crashes import Crash, CrashedLake
from support.disks import Losing, losing_disk
from support.streams import settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.runtime.kafka import Topic
from lakehouse.tables.catalog import LOGS

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

STEPS = ["decoded", "planned", "quarantine", "logs", "checkpoint"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Losing]:
    """A disk of 256 MB whose power can be cut."""
    with losing_disk(tmp_path / "disk", megabytes=256) as made:
        yield made


def filled(broker: Broker, topic: Topic, disk: Losing, durability: str) -> CrashedLake:
    """A lake on that disk, and a topic with some batches for it."""
    flags = ["--rate", "200", "--backfill", "10s", "--duration", "1", "--malformed", "0.1"]
    sent = produced.run(broker.bootstrap, topic.name, disk.root.parent, *flags)
    most = sent.last["acked"] // (len(STEPS) + 2)
    asked = {"durability": durability, "ingest_max_offsets": most}
    return CrashedLake(settings(broker.bootstrap, topic.name, disk.root / "lake", **asked))


def rows(places: Places) -> int:
    """How many rows `logs` has; none where it cannot be read."""
    try:
        return store.open_table(places, LOGS).to_pyarrow_table(columns=["_offset"]).num_rows
    except Exception:
        return 0


def crashes(steps: list[str]) -> list[Crash | None]:
    """A crash at each step, and at last none."""
    return [*(Crash(step, lost=None, changed=False) for step in steps), None]


@pytest.mark.nightly
def test_without_it_the_cut_takes_rows(broker: Broker, topic: Topic, disk: Losing) -> None:
    """So the cut is one: of what was committed and not synced, some is not there any more."""
    lake = filled(broker, topic, disk, "process")
    lake.crash(Crash("logs", lost=None, changed=False))
    before = rows(lake.places)
    disk.cut()

    assert rows(lake.places) < before


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "steps", [["logs"], pytest.param(STEPS, marks=pytest.mark.nightly)], ids=["one", "each"]
)
def test_a_cut_costs_nothing(broker: Broker, topic: Topic, disk: Losing, steps: list[str]) -> None:
    """Cut after each step of a batch; the next start goes on without a word, each record once."""
    lake = filled(broker, topic, disk, "power")
    for crash, then in pairwise(crashes(steps)):
        assert crash
        lake.crash(crash)
        disk.cut()
        lake.recover(then)
        assert lake.broken() == []
