"""A crash at each point of a batch neither loses nor repeats a record, whatever decodes next."""

from __future__ import annotations

from itertools import pairwise

import pytest
from support import produced
from support.crashes import Crash, CrashedLake
from support.faults import IS_NIGHT
from support.streams import settings

from cli.stack.broker import Broker
from lakehouse.runtime import kafka

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

STEPS = ("decoded", "planned", "quarantine", "logs", "checkpoint")
LOSSES = (("planned", "logs"), ("planned", "quarantine"), ("quarantine", "logs"))
POINTS = [*((step, None) for step in STEPS), *LOSSES]
# Each point, by day with one decode or the other in turn, at night with both.
CRASHES = [
    Crash(step, lost, changed)
    for number, (step, lost) in enumerate(POINTS)
    for changed in ((False, True) if IS_NIGHT else (number % 2 == 0,))
]


@pytest.fixture(scope="module")
def lake(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> CrashedLake:
    """A lake that has everything before it: a topic with some thousand records, some malformed."""
    root = tmp_path_factory.mktemp("crashes")
    topic = kafka.create(broker.connection, "crashes", partitions=2).name
    flags = ["--rate", "200", "--backfill", "25s", "--duration", "1", "--malformed", "0.1"]
    sent = produced.run(broker.bootstrap, topic, root, *flags)
    assert sent.code == 0
    batches = len(CRASHES) + 2
    return CrashedLake(
        settings(broker.bootstrap, topic, root, ingest_max_offsets=sent.last["acked"] // batches)
    )


@pytest.mark.parametrize(("crash", "then"), [*pairwise([*CRASHES, None])], ids=str)
def test_crash_neither_loses_nor_repeats(
    lake: CrashedLake, crash: Crash, then: Crash | None
) -> None:
    """After a crash and the next start each record of the batch is once in logs or quarantine."""
    lake.crash(crash)
    batch, before = lake.batch(), lake.stricter
    lake.recover(then)

    assert lake.broken() == []
    judges = {before, lake.stricter} if crash.may_judge_anew() else {before}
    assert lake.was_judged_strictly(batch) in judges
