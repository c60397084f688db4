"""The page Kafka: topics, offsets, the newest messages; inert, bounded, at once without a Kafka."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, SCRIPT, pages

from analytics.web.kafka.browser import Browser
from lakehouse.errors import LogpondError
from lakehouse.runtime import kafka_browser
from lakehouse.runtime.kafka_browser import PartitionState, Record, TopicState
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import free_port

RECORDS = [
    Record(offset, None, f"key {offset}", f"{SCRIPT}\x1b[2J {offset}", 9000, [("h", SCRIPT)])
    for offset in range(45, 25, -1)
]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Kafka of one topic."""
    state = TopicState("web-logs", [PartitionState(0, 20, 46), PartitionState(1, 0, 0)])
    monkeypatch.setattr(kafka_browser, "topics", lambda _at: [state])
    monkeypatch.setattr(kafka_browser, "newest", lambda *_asked: RECORDS)


@pytest.mark.usefixtures("known")
def test_topics_are_shown_with_their_offsets(lake: Lake) -> None:
    """Also as JSON."""
    client = pages(lake, connection=Connection("kafka:9092"))
    assert 'href="/kafka?topic=web-logs&amp;partition=1"' in client.get("/kafka").text
    (topic,) = client.get("/api/kafka").json()["topics"]
    assert topic["partitions"][0] == {"partition": 0, "first": 20, "end": 46}


@pytest.mark.usefixtures("known")
def test_messages_are_text_and_lead_to_older_ones(lake: Lake) -> None:
    """Whatever is in a value or a header."""
    shown = pages(lake, connection=Connection("kafka:9092")).get("/kafka?topic=web-logs").text
    assert SCRIPT not in shown
    assert shown.count("&lt;script&gt;") == 2 * len(RECORDS)
    assert "\x1b" not in shown
    assert "before=26" in shown


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("name", EACH_NAUGHTY)
def test_a_topic_that_is_not_there_is_only_text(lake: Lake, name: str) -> None:
    """It is looked for in the list, and never asked for: no broker makes it."""
    client = pages(lake, connection=Connection("kafka:9092"))
    answer = client.get("/kafka", params={"topic": name})
    assert (answer.status_code, SCRIPT in answer.text) == (200, False)
    assert client.get("/api/kafka/messages", params={"topic": name}).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/kafka", "/kafka?topic=web-logs", "/api/kafka"])
def test_a_kafka_that_is_away_costs_no_time(lake: Lake, path: str) -> None:
    """The page says so within half a second, also the tenth time."""
    client = pages(lake, connection=Connection(f"127.0.0.1:{free_port()}"))
    client.get("/api/kafka")
    began = time.monotonic()
    for _ in range(3):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "answer" in answer.text
    assert time.monotonic() - began < 1.5


@pytest.mark.slow
def test_questions_are_bounded() -> None:
    """A Kafka that hangs is asked by one thread; what would pile up is refused in words."""
    browser = Browser(Connection("nowhere:1"))

    def hangs(*_words: Any) -> None:
        time.sleep(1)

    faults = []
    for number in range(8):
        with pytest.raises(LogpondError) as fault:
            browser._ask((number,), hangs)
        faults.append(str(fault.value))
    assert "asked too much" in faults[-1]


def test_without_a_kafka_the_page_says_how_to_name_one(lake: Lake) -> None:
    """In words."""
    assert "--bootstrap HOST:PORT" in pages(lake).get("/kafka").text
