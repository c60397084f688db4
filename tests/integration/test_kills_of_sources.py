"""Several formats, and records of several events, come once to one lake whatever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import environment, settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = [pytest.mark.broker, pytest.mark.spark, pytest.mark.timeout(900)]

CHILD = Path(__file__).parents[1] / "support" / "ingest_child.py"
SHOP = '[shop]\nformat = "json"\non_missing_time = "reject"\n'
REQUESTS, EVENTS = 30, 4


@pytest.fixture
def second(broker: Broker) -> Topic:
    """Another topic, of one partition."""
    return kafka.create(broker.connection, f"second-{uuid.uuid4().hex[:8]}", partitions=1)


def ingest(asked: Settings, die_at: str | None = None) -> None:
    """Take what is there, in a process that dies at a step of its first new batch."""
    flags = {
        "lake": asked.lake,
        "sources": asked.sources,
        "kafka_bootstrap": asked.kafka.bootstrap,
        "kafka_topic": asked.kafka.topic,
        "ingest_max_offsets": asked.ingest.max_offsets,
    }
    order = json.dumps({"die_at": die_at, "stricter": False, "settings": flags})
    ended = subprocess.run(
        [sys.executable, str(CHILD), order],
        env=environment(asked),
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ended.returncode == (-signal.SIGKILL if die_at else 0), ended.stderr


def reading(folder: Path, broker: Broker, topic: Topic, more: str) -> Settings:
    """A new lake over the first topic and what else the file of sources says."""
    file = folder / "sources.toml"
    file.write_text(SHOP + more)
    where = (broker.bootstrap, topic.name, folder / "lake")
    return settings(*where, sources=str(file), ingest_max_offsets=200)


def rows(asked: Settings, table: object, topic: Topic) -> list[dict[str, object]]:
    """The rows of a topic in a table."""
    found = store.open_table(Places.of(asked), table).to_pyarrow_dataset()  # type: ignore[arg-type]
    return [row for row in found.to_table().to_pylist() if row["_topic"] == topic.name]


@pytest.mark.nightly
def test_two_formats_of_two_topics_survive_kills(
    broker: Broker, topic: Topic, second: Topic, tmp_path: Path
) -> None:
    """Each record of both is once in the lake, and says its source."""
    lines = [b'time=2026-05-01T12:00:00Z service=pay level=info msg="n %d"' % n for n in range(190)]
    app = f'[app]\ntopics = ["{second.name}"]\nformat = "logfmt"\n[app.mapping]\n'
    asked = reading(tmp_path, broker, topic, app + 'timestamp = "time"\nmessage = "msg"\n')
    send(broker.bootstrap, topic.name, [message()] * 290 + [b"no event"] * 10)
    send(broker.bootstrap, second.name, [*lines, *[b"<html>"] * 10])
    for step in ("planned", "quarantine", "logs"):
        ingest(asked, step)
    ingest(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records, verdict.quarantine) == (True, 500, 20), verdict
    for each in (topic, second):
        assert broken(broker.bootstrap, Places.of(asked), each.name) == []
    came = rows(asked, LOGS, second)
    assert {row["_source"] for row in came} == {"app"}
    assert sorted(str(row["message"]) for row in came) == sorted(f"n {n}" for n in range(190))


def request(number: int) -> bytes:
    """A request of OTLP with several events, one of which is years ahead."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    made = ExportLogsServiceRequest()
    of = made.resource_logs.add()
    name = of.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "cart"
    scope = of.scope_logs.add()
    for item in range(EVENTS):
        event = scope.log_records.add()
        years = 10 if item == EVENTS - 1 and number % 2 else 0
        event.time_unix_nano = time.time_ns() + years * 365 * 86_400 * 10**9
        event.body.string_value = f"{number}/{item}"
    return made.SerializeToString()


def test_records_of_several_events_survive_kills(
    broker: Broker, topic: Topic, second: Topic, tmp_path: Path
) -> None:
    """Each event of each is once in the lake, as a row or as a reject; also after lost files."""
    otel = f'[otel]\ntopics = ["{second.name}"]\nformat = "otlp"\n'
    asked = reading(tmp_path, broker, topic, otel)
    send(broker.bootstrap, topic.name, [message()] * 10)
    send(broker.bootstrap, second.name, [request(n) for n in range(REQUESTS)])
    ingest(asked, "quarantine")
    lost = next(Path(Places.of(asked).table(LOGS)).rglob("*.parquet"))
    lost.unlink()
    ingest(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, REQUESTS + 10), verdict
    assert (verdict.logs, verdict.quarantine) == (REQUESTS * EVENTS - 15 + 10, 15)
    came = rows(asked, LOGS, second) + rows(asked, QUARANTINE, second)
    assert len({(row["_offset"], row["_item"]) for row in came}) == len(came) == REQUESTS * EVENTS
    assert {row["reason"] for row in rows(asked, QUARANTINE, second)} == {"future_timestamp"}


@pytest.mark.nightly
def test_a_topic_that_is_left_in_the_middle_of_a_batch_is_finished_first(
    broker: Broker, topic: Topic, second: Topic, tmp_path: Path
) -> None:
    """As its source read it; from the next start on it is not read, until it is named again."""
    lines = [b"service=pay msg=hello n=%d" % n for n in range(40)]
    app = f'[app]\ntopics = ["{second.name}"]\nformat = "logfmt"\n'
    asked = reading(tmp_path, broker, topic, app)
    send(broker.bootstrap, topic.name, [message()] * 60)
    send(broker.bootstrap, second.name, lines)
    ingest(asked, "decoded")
    reading(tmp_path, broker, topic, "")
    ingest(asked)
    assert (verify(Places.of(asked)).ok, len(rows(asked, LOGS, second))) == (True, 40)
    send(broker.bootstrap, second.name, lines)
    send(broker.bootstrap, topic.name, [message()] * 5)
    ingest(asked)
    assert (verify(Places.of(asked)).records, len(rows(asked, LOGS, second))) == (105, 40)
    reading(tmp_path, broker, topic, app)
    ingest(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records) == (True, 145), verdict
    assert {row["_source"] for row in rows(asked, LOGS, second)} == {"app"}
