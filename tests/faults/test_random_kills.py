"""A stream that is killed again and again under a live load loses nothing that was acked."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from support import produced
from support.promise import broken
from support.streams import Once, running, settings, until

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

KILLS = int(os.environ.get("RANDOM_KILLS", "2"))


def kill_somewhere(asked: Settings, chance: random.Random) -> None:
    """Start a stream and kill it: one in four times while it starts, else between its batches."""
    with running(asked, "--trigger", "0.2") as stream:
        if chance.random() > 0.25:
            until(stream, " batch ")
        time.sleep(chance.uniform(0, 4))


@pytest.mark.timeout(900)
def test_random_kills_under_load_lose_nothing(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once
) -> None:
    """However often the stream was killed, in the end every acked record is there once."""
    asked = settings(broker.bootstrap, topic.name, tmp_path)
    load = produced.start(
        broker.bootstrap,
        topic.name,
        tmp_path,
        "--rate",
        "1000",
        "--malformed",
        "0.02",
        "--duplicates",
        "0.01",
    )
    for kill in range(KILLS):
        kill_somewhere(asked, random.Random(kill))
    load.terminate()
    acked = produced.end(load).last["acked"]
    once(asked)

    verdict = verify(Places.of(asked))
    assert verdict.ok, verdict
    assert verdict.records == acked
    assert broken(broker.bootstrap, Places.of(asked), topic.name) == []
