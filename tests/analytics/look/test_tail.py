"""`tail`: the newest rows, then each that comes, once, whatever is done to files meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from support.asked import rows_at
from support.hooks import until
from support.lakes import Lake, events
from support.messages import send
from support.records import LIMITS, message

from analytics.commands.tail import render, tail
from analytics.look.tail import COLUMNS, EventFilter, KafkaTail, LakeTail
from lakehouse import maintenance, store
from lakehouse.errors import SettingsError
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

HOSTILE = "[red]\x1b[31m\x1b]0;x\x07 \x9b2J \u202egpj\r\n\x7f"


def ids(rows: pa.Table) -> list[str]:
    """Which events, in order."""
    found: list[str] = rows["event_id"].to_pylist()
    return found


def shown(lake: Lake, *words: str) -> Result:
    """What the command prints of the newest rows."""
    return CliRunner().invoke(tail, [*words, "--no-follow", "--lake", lake.places.lake])


def test_the_newest_rows_by_their_time(lake: Lake) -> None:
    """Over hours and commits, the newest last; those that came last may be older."""
    lake.put(rows_at(datetime(2026, 5, 2, 7, tzinfo=UTC), [2, 3]))
    lake.put(rows_at(datetime(2026, 5, 1, 7, tzinfo=UTC), [0, 1]))
    assert ids(LakeTail(lake.places, EventFilter()).history(3)) == ["e-0-1", "e-0-2", "e-0-3"]


def test_each_new_row_comes_once(lake: Lake) -> None:
    """Those of all commits since the last look, and nothing where none was made."""
    lake.put(events([0]))
    following = LakeTail(lake.places, EventFilter())
    before = ids(following.fresh())
    lake.put(events([1]))
    lake.put(events([2]))
    assert (before, ids(following.fresh()), ids(following.fresh())) == ([], ["e-0-1", "e-0-2"], [])


def test_a_table_without_rows_is_followed(lake: Lake) -> None:
    """Its first rows come as any others."""
    store.create(lake.places, LOGS)
    following = LakeTail(lake.places, EventFilter())
    before = ids(following.history(5)), ids(following.fresh())
    lake.put(events([1]))
    assert (before, ids(following.fresh())) == (([], []), ["e-0-1"])


def test_rows_that_were_merged_at_once_come_once(lake: Lake) -> None:
    """Upkeep between two looks neither hides nor repeats them."""
    lake.put(events([0]))
    following = LakeTail(lake.places, EventFilter())
    lake.put(events([1]))
    maintenance.optimize(lake.places, "logs")
    assert ids(following.fresh()) == ["e-0-1"]
    maintenance.optimize(lake.places, "logs")
    assert ids(following.fresh()) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(service="pay"), [1]),
        (EventFilter(status="5xx"), [1]),
        (EventFilter(status="404"), [2]),
        (EventFilter(level="warn"), [2]),
        (EventFilter(endpoint="/x"), [2]),
        (EventFilter(grep="e-0-[12]$"), [1, 2]),
        (EventFilter(service="pay", status="404"), []),
        (EventFilter(service="' OR true --"), []),
        (EventFilter(query="service:pay OR level:>=warn -status:5xx"), [1, 2]),
        (EventFilter(query="-service:pay", endpoint="/x"), [2]),
    ],
)
def test_filters_choose(lake: Lake, wanted: EventFilter, found: list[int]) -> None:
    """All together; what they say is text, never SQL."""
    lake.put(events([0]))
    lake.put(events([1], service="pay", status_code=503))
    lake.put(events([2], status_code=404, level="WARN", endpoint="/x"))
    following = LakeTail(lake.places, wanted)
    assert ids(following.history(9)) == [f"e-0-{offset}" for offset in found]


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(status="9xx"),
        EventFilter(status="x"),
        EventFilter(grep="("),
        EventFilter(query="nix:1"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(lake: Lake, wanted: EventFilter) -> None:
    """Before anything is read."""
    with pytest.raises(SettingsError, match=r"--(status|grep)|nix is no field"):
        LakeTail(lake.places, wanted)


def line(**fields: Any) -> str:
    """A row with these fields and no others, as a line; the level and the status are coloured."""
    row = {**dict.fromkeys(COLUMNS), "timestamp": datetime(2026, 5, 1, tzinfo=UTC), **fields}
    return render(row, is_coloured=True)


def test_a_line_is_inert() -> None:
    """Whatever the fields of an event hold: one line, no control character."""
    texts = [name for name in COLUMNS if name not in ("timestamp", "status_code", "response_time")]
    known = {"status_code": 200, "timestamp": datetime(2026, 5, 1, tzinfo=UTC)}
    hostile = {**dict.fromkeys(texts, HOSTILE), **known, "response_time": None, "exception": None}
    found = render(hostile, is_coloured=False)
    assert not [char for char in found if not char.isprintable()]
    assert HOSTILE[-1] not in render({**hostile, "exception": HOSTILE * 3}, is_coloured=False)


def test_a_line_says_its_message_first() -> None:
    """Nothing of a request, where it is none; the stack trace below it."""
    found = line(level="ERROR", service="cart", message="boom", exception="Fault\n  at x")
    assert found == (
        "2026-05-01 00:00:00.000  \x1b[31mERROR\x1b[0m  cart        boom\n    Fault\n      at x"
    )


def test_a_request_is_a_line_without_a_message() -> None:
    """Its status coloured by its class."""
    found = line(service="cart", status_code=200, method="GET", path="/x", response_time=5.0)
    status = "\x1b[32m200\x1b[0m"
    assert found.split()[2:] == ["-", "cart", status, "GET", "/x", "5", "ms", "-", "-"]


def test_json_is_an_object_a_line(lake: Lake) -> None:
    """Without a colour, also where the text would set one; attributes are one within it."""
    lake.put(events([0], user=HOSTILE, order_id=42))
    found = shown(lake, "--format", "json").stdout
    assert json.loads(found)["user"] == HOSTILE
    assert json.loads(found)["attributes"] == {"order_id": "42"}
    assert "\x1b" not in found


@pytest.mark.slow
def test_ctrl_c_ends_it(lake: Lake) -> None:
    """After the rows that were there, with 130 and no trace."""
    lake.put(events([0], user_agent="x"))
    words = [sys.executable, "-m", "cli", "tail", "--lake", lake.places.lake]
    following = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert following.stdout
    first = following.stdout.readline()
    os.kill(following.pid, signal.SIGINT)
    _, error = following.communicate(timeout=30)
    assert (first[:19], following.returncode, error) == ("2026-05-01 11:59:30", 130, "")


@pytest.mark.broker
def test_records_that_nobody_has_read(lake: Lake, topic: Topic, broker: Any) -> None:
    """Decoded as ingest does; what it would reject is left out and counted."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap})
    now = datetime.now(UTC).isoformat()
    for name in ("a", "b"):
        producer.produce(topic.name, message(event_id=name, timestamp=now))
    producer.flush()
    following = KafkaTail(broker.connection, topic.name, EventFilter(), LIMITS)
    before = sorted(ids(following.history(10)))
    producer.produce(topic.name, b"oops", partition=0)
    producer.produce(topic.name, message(event_id="c", timestamp=now), partition=0)
    producer.flush()
    after: list[str] = []
    while not after:
        after += ids(following.fresh())
    following.close()
    assert (before, after, following.rejects) == (["a", "b"], ["c"], 1)


@pytest.mark.broker
def test_partitions_that_a_topic_gains_are_followed(
    topic: Topic, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From their first record on, beside those that were there."""
    monkeypatch.setattr("analytics.look.tail.TOPIC_SECONDS", 0.0)
    following = KafkaTail(broker.connection, topic.name, EventFilter(), LIMITS)
    admin = AdminClient(broker.connection.client())
    admin.create_partitions([NewPartitions(topic.name, 3)])[topic.name].result(10)
    now = datetime.now(UTC).isoformat()
    for partition in (2, 0):
        event = message(event_id=f"of {partition}", timestamp=now)
        send(broker.bootstrap, topic.name, [event], partition)
    came: list[str] = []
    until(lambda: came.extend(ids(following.fresh())) or len(came) == 2)
    following.close()
    assert sorted(came) == ["of 0", "of 2"]


@dataclass
class Record:
    """A record as Kafka's client hands it over."""

    content: bytes
    millis: int

    def value(self) -> bytes:
        """What it holds."""
        return self.content

    def timestamp(self) -> tuple[int, int]:
        """That the time is the broker's, and the time."""
        return 2, self.millis

    def partition(self) -> int:
        """The first."""
        return 0

    offset = partition

    def error(self) -> None:
        """None."""


@pytest.mark.parametrize("millis", [2**62, -(2**63), -1, 253_402_300_800_000])
def test_a_record_with_a_time_that_is_none_is_a_reject(
    millis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for ingest: its neighbour is shown."""
    monkeypatch.setattr("lakehouse.runtime.kafka.offsets", lambda *_: {0: (0, 2)})
    now = datetime.now(UTC)
    values = [message(event_id=name, timestamp=now.isoformat()) for name in ("a", "b")]
    following = KafkaTail(Connection("127.0.0.1:1"), "t", EventFilter(), LIMITS)
    times = [int(now.timestamp() * 1000), millis]
    rows = following._decoded([Record(*each) for each in zip(values, times, strict=True)])
    following.close()
    assert (ids(rows), following.rejects) == (["a"], 1)


@pytest.mark.slow
def test_a_reader_that_went_away_ends_it_in_silence(running: Lake) -> None:
    """As `| head` does: nothing on the other output, and no signal."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "cli", "tail", "--lake", running.places.lake]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")
