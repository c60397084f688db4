"""A stop is heard at once, ends between two batches, and says so."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest
from support import produced
from support.streams import running, settings, stop, until

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

NOISE = re.compile(r"Traceback|ERROR|Exception|\bat org\.|StackOverflow")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)]
)
def test_stop_in_a_backlog(
    broker: Broker, topic: Topic, tmp_path: Path, number: signal.Signals
) -> None:
    """In the middle of a backlog a stop takes less than 30 s, with exit code 0 and no noise."""
    flags = ["--rate", "200", "--backfill", "100s", "--duration", "1"]
    sent = produced.run(broker.bootstrap, topic.name, tmp_path, *flags)
    asked = settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=100)
    with running(asked, "--trigger", "0") as stream:
        before = until(stream, " batch 3 ")
        began = time.monotonic()
        code, after = stop(stream, number)
        took = time.monotonic() - began

    assert (code, took < 30) == (0, True), after
    assert not NOISE.search("".join(before) + after)
    verdict = verify(Places.of(asked))
    assert verdict.ok
    assert 0 < verdict.records < sent.last["acked"]
    assert verdict.in_flight == 0
