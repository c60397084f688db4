"""What `discover --topic` proposes for the newest records of a topic is a source that reads it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from support.messages import send
from support.streams import settings

from batch.commands.discover import discover
from batch.formats.topic import entry, source_name
from cli.stack.broker import Broker
from lakehouse.runtime import kafka_newest
from lakehouse.runtime.kafka import Topic
from lakehouse.sources import Sources, sources_of
from lakehouse.terminal.render import escaped


def read(text: str, folder: Path) -> Sources:
    """The sources of a file that this is written to."""
    file = folder / "sources.toml"
    file.write_text(text)
    return sources_of(settings("localhost:9", "web-logs", folder, sources=str(file)))


def line(**more: object) -> bytes:
    """A record as many programs write it."""
    known = {"ts": "2026-05-01T12:00:00Z", "svc": "cart", "lvl": "warn", "msg": "hello", **more}
    return json.dumps(known).encode()


def test_a_proposal_is_a_source(tmp_path: Path) -> None:
    """Its keys are mapped, and the topic's name stands in for a service that no key names."""
    found = read(entry("Cart-Logs", [line(duration_ms=n) for n in range(20)]), tmp_path)
    reading = found.reading("Cart-Logs")

    assert reading is not None
    assert (reading.source, reading.format) == ("cart-logs", "json")
    assert reading.mapping["ts"] == "timestamp"
    assert reading.mapping["duration_ms"] == "response_time"
    assert reading.units == {"response_time": "ms"}
    assert reading.constants == {"service": "Cart-Logs"}


def test_a_unit_that_is_not_told_is_a_comment() -> None:
    """It is named, and taken by nobody until a person says so."""
    found = entry("t", [line(duration=n / 100) for n in range(20)])
    assert '# response_time = {from = "duration", unit = "s"}' in found
    assert "\nresponse_time" not in found


def test_what_no_format_knows_is_a_message_each(tmp_path: Path) -> None:
    """With the topic as its service."""
    found = read(entry("t", [b"\x00\x01", b"\xff"] * 10), tmp_path)
    assert found.by_name["t"].format == "raw"


@pytest.mark.parametrize("topic", ["A.b_C", "---", "_", "x" * 249])
def test_every_topic_gets_a_name_that_a_source_may_have(topic: str, tmp_path: Path) -> None:
    """However it is written."""
    assert read(entry(topic, [b"hello"]), tmp_path).named() == {topic: source_name(topic)}


HOSTILE = ["\N{GRINNING FACE}", "\x7f", 'a"b', "a\\b", "\n[x]", "\u202e", "\x9b", "a.b", "-", "é"]


@given(st.lists(st.text(min_size=1) | st.sampled_from(HOSTILE), min_size=1, max_size=4))
def test_whatever_keys_records_have_a_proposal_is_toml(names: list[str]) -> None:
    """It is printed as it is, and what is read back names the keys as they were."""
    records = [
        json.dumps({"time": f"2026-05-01T12:00:0{n}Z"} | {f"{name}_ms": n for name in names})
        for n in range(10)
    ]
    text = entry("cart.logs", [record.encode() for record in records])
    found = tomllib.loads(text)["cart-logs"]
    assert text == escaped(text, keep="\n")
    assert found["topics"] == ["cart.logs"]
    known = {"time", *(f"{name}_ms" for name in names)}
    sources = [one["from"] if isinstance(one, dict) else one for one in found["mapping"].values()]
    assert {*sources} <= known


@pytest.mark.parametrize("topic", HOSTILE)
def test_whatever_a_topic_is_called_a_proposal_is_toml(topic: str) -> None:
    """Its name is read back."""
    assert [one["topics"] for one in tomllib.loads(entry(topic, [b"x"])).values()] == [[topic]]


@pytest.mark.broker
def test_the_newest_records_are_looked_at(broker: Broker, topic: Topic, tmp_path: Path) -> None:
    """Not more than asked for, and those at the end."""
    for partition in range(2):
        send(broker.bootstrap, topic.name, [b"old"] * 100, partition)
        send(broker.bootstrap, topic.name, [line(n=n) for n in range(50)], partition)

    values = kafka_newest.newest(broker.connection, topic.name, records=100)
    few = kafka_newest.newest(broker.connection, topic.name, records=100, size=500)

    assert len(values) == 100
    assert b"old" not in values
    assert 0 < sum(map(len, few)) < 500 + len(line(n=50)) + 1
    told = CliRunner().invoke(
        discover,
        ["--topic", topic.name, "--bootstrap", broker.bootstrap, "--lake", str(tmp_path / "x")],
    )
    assert told.exit_code == 0
    assert read(told.output, tmp_path).named() == {topic.name: topic.name}
