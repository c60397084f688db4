"""Bad and repeated records harm no other."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import records, streams
from support.messages import send
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.proof.verify import verify
from lakehouse.query.ask import ask
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection

pytestmark = [pytest.mark.broker, pytest.mark.spark]

YEARS_AHEAD = "2031-01-01T00:00:00Z"
ANY_TIME = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "message.timestamp.before.max.ms": str(2**63 - 1),
}
LARGE = "x" * 900_000
MINUTES = float(os.environ.get("HOSTILE_MINUTES", "10"))
Record = dict[str, Any]


def hostile(now: int) -> list[Record]:
    """A record of every kind that Kafka can hold and nobody expects; `now` in ms."""
    good = next(events(1))
    times = [now * 10**6, now * 1000, now // 1000, -62_200_000_000_000, 253_402_300_800_000]
    times += [1, -1, 2**63 - 1, -(2**63) + 1]
    records: list[Record] = [
        {"value": value, "timestamp": at} for at in times for value in (good, b"oops", None)
    ]
    return [
        *records,
        {"value": None, "key": b"\xff\x00"},
        {"value": good, "key": LARGE.encode()},
        {"value": good, "headers": [("h", LARGE.encode()), ("h", None), ("", b"\xff")]},
        {"value": records_of(path="/" + LARGE)},
        {"value": b"\xff" + LARGE.encode()},
        {"value": b"[" * 900_000},
    ]


def records_of(**fields: Any) -> bytes:
    """An event of this moment with these fields."""
    return records.message(timestamp=datetime.now(UTC).isoformat(), **fields)


def events(count: int) -> Iterator[bytes]:
    """Events of this moment."""
    now = datetime.now(UTC).isoformat()
    return (records.message(event_id=str(uuid.uuid4()), timestamp=now) for _ in range(count))


def test_event_of_the_far_future_harms_no_other(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once
) -> None:
    """One event dated 2031 among 8,000 is in quarantine, and every other one in logs."""
    poison = records.message(timestamp=YEARS_AHEAD)
    for payloads in (events(4000), [poison], events(3999)):
        send(broker.bootstrap, topic.name, payloads)
    asked = settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=1000)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.logs, verdict.quarantine) == (True, 7999, 1)
    with current(Places.of(asked)) as lake:
        assert lake.ask("SELECT reason FROM quarantine") == [("future_timestamp",)]


def send_records(bootstrap: str, topic: str, made: Iterable[Record]) -> int:
    """Send records as they are; how many the broker took."""
    from confluent_kafka import Producer

    taken: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "zstd"})
    for record in made:
        heard = lambda error, _message: taken.append(1) if error is None else None  # noqa: E731
        producer.produce(topic, **record, on_delivery=heard)
        producer.poll(0)
    assert producer.flush(120) == 0
    return len(taken)


def test_no_record_stops_ingest(broker: Broker, tmp_path: Path, once: Once) -> None:
    """Whatever its value, key, headers and time: each is in one table, and more can come."""
    bootstrap, name = broker.bootstrap, f"hostile-{uuid.uuid4().hex[:8]}"
    kafka.create(Connection(bootstrap), name, 2, ANY_TIME)
    sent = send_records(bootstrap, name, hostile(int(time.time() * 1000)))
    asked = settings(bootstrap, name, tmp_path)
    first = once(asked)
    more = send(bootstrap, name, events(10))
    second = once(asked)

    verdict = verify(Places.of(asked))
    assert (sum(b.rows for b in first), sum(b.rows for b in second)) == (sent, more)
    assert (verdict.ok, verdict.logs + verdict.quarantine) == (True, sent + more)
    assert sent > 20
    assert verdict.logs >= more + 3


def extremes() -> Iterator[bytes]:
    """Events whose values are the largest, smallest and oddest that a row can have."""
    values: dict[str, list[Any]] = {
        "response_time": [1.7e308, 5e-324, 0, 2**63],
        "bytes_sent": [2**63 - 1, 0, -1],
        "timestamp": ["1970-01-01T00:00:00Z", "2016-02-29T23:59:59.999999Z"],
        **{name: ["\0", "a" * 9000, "'\n\""] for name in ("service", "endpoint", "user", "ip")},
    }
    for name, odd in values.items():
        for value in odd:
            yield records.message(**{"timestamp": datetime.now(UTC).isoformat(), name: value})


QUESTIONS = [
    "SELECT COUNT(*) FROM traffic",
    "SELECT app, SUM(requests), SUM(bytes) FROM usage GROUP BY app LIMIT 9",
    "SELECT service, MAX(latency_p95), SUM(bytes) FROM traffic GROUP BY service LIMIT 9",
    "SELECT * FROM logs_windowed ORDER BY window_start DESC LIMIT 9",
    "SELECT reason, COUNT(*) FROM quarantine GROUP BY reason",
]


def asked_until(ends: float, lake: Path) -> list[str]:
    """Ask the lake again and again; what could not be answered, once its tables are there."""
    wrong: list[str] = []
    while time.monotonic() < ends:
        for question in QUESTIONS:
            try:
                ask(Places(str(lake), f"{lake}/_checkpoints"), question)
            except LogpondError as error:
                if "no table" not in str(error):
                    wrong.append(str(error))
        time.sleep(1)
    return wrong


def send_mixed(bootstrap: str, topic: str, ends: float) -> None:
    """A thousand good records for each odd one, of every kind in turn."""
    while time.monotonic() < ends:
        odd = [*hostile(int(time.time() * 1000)), *({"value": value} for value in extremes())]
        for record in odd:
            send(bootstrap, topic, events(1000))
            send_records(bootstrap, topic, [record])


@pytest.mark.nightly
@pytest.mark.timeout(MINUTES * 60 + 600)
def test_hostile_records_among_many_for_minutes(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a thousand, of every kind: ingest, windows, minutes and upkeep never start again."""
    bootstrap, name = broker.bootstrap, f"hostile-{uuid.uuid4().hex[:8]}"
    kafka.create(Connection(bootstrap), name, 2, ANY_TIME)
    asked = settings(bootstrap, name, tmp_path)
    monkeypatch.setenv("LOGPOND_UPKEEP_EVERY_MINUTES", "1")
    monkeypatch.setenv("LOGPOND_ANOMALY_UI_PORT", "0")
    with streams.running(asked) as stream, ThreadPoolExecutor(1) as reader:
        streams.until(stream, "reading")
        ends = time.monotonic() + MINUTES * 60
        send(bootstrap, name, events(1000))
        streams.until(stream, " batch ")
        with streams.detecting(asked, tmp_path / "detect.log") as detect:
            answers = reader.submit(asked_until, ends, tmp_path)
            send_mixed(bootstrap, name, ends)
            assert detect.poll() is None, (tmp_path / "detect.log").read_text()
        code, said = streams.stop(stream)

    assert code == 0, said
    assert answers.result() == []
    assert verify(Places.of(asked)).ok
    assert store.open_table(Places.of(asked), "logs_windowed").count() > 0


def test_repeated_events_stay(broker: Broker, topic: Topic, tmp_path: Path, once: Once) -> None:
    """Two records of one event are two rows; `verify` says so, and finds no fault in it."""
    twice = [*events(500)] * 2
    send(broker.bootstrap, topic.name, twice)
    asked = settings(broker.bootstrap, topic.name, tmp_path)
    once(asked)

    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.logs, verdict.duplicates) == (True, 1000, 0)
    assert verdict.duplicate_event_ids == 500
