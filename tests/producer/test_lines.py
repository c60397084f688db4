"""Lines of applications go to a topic of their own, and are counted as exactly as requests."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

import pytest
from support import produced

from cli.stack.broker import Broker
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic

pytestmark = pytest.mark.broker


@pytest.fixture
def second(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> str:
    """The topic of lines, by the environment."""
    name = f"lines-{uuid.uuid4().hex[:8]}"
    kafka.create(broker.connection, name, partitions=1)
    monkeypatch.setenv("LOGPOND_KAFKA_APP_TOPIC", name)
    return name


def test_what_is_acked_is_in_both_topics(
    broker: Broker, topic: Topic, second: str, tmp_path: Path
) -> None:
    """Also after a stop, and while it runs: lines are acked as they go."""
    flags = ("--rate", "500", "--app-lines", "1")
    process = produced.start(broker.bootstrap, topic.name, tmp_path, *flags)
    produced.until_acked(process, 1500)
    running = len(produced.values(broker.bootstrap, second))
    process.send_signal(signal.SIGTERM)
    ended = produced.end(process)
    requests, lines = (
        len(produced.values(broker.bootstrap, name)) for name in (topic.name, second)
    )

    assert (ended.code, ended.last["unsent"]) == (0, 0)
    assert ended.last["acked"] == requests + lines
    assert ended.last["app_lines"] == lines
    assert lines == pytest.approx(requests, abs=1)
    assert running > 0


def test_without_their_topic_it_does_not_start(
    broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """It says which topic is not there."""
    flags = ("--rate", "500", "--duration", "1", "--app-lines", "0.5")
    process = produced.start(broker.bootstrap, topic.name, tmp_path, *flags)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 5
    assert "the topic app-logs does not exist" in told
