"""`sources` lists what is read; `source try` shows what becomes of lines, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.messages import send

from analytics.commands.sources import source, sources
from cli.stack.broker import Broker
from lakehouse.runtime.kafka import Topic

FILE = """\
[shop]
format = "json"
on_missing_time = "reject"

[app]
topics = ["app-logs"]
service = {topic = "(.+)-logs"}

[app.mapping]
message = "msg"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file of two sources."""
    (tmp_path / "sources.toml").write_text(FILE)
    return str(tmp_path / "sources.toml")


def tried(name: str, file: str, *lines: str, how: str = "json") -> Result:
    """What the command says of lines."""
    given = ["try", name, "--sources", file, "--format", how]
    return CliRunner().invoke(source, given, input="".join(f"{line}\n" for line in lines))


def test_a_line_becomes_a_row_with_what_is_left_over(file: str) -> None:
    """By the format, mapping and service of the source."""
    found = tried("app", file, '{"msg": "hello", "status_code": "soon", "order": {"id": 42}}')

    assert found.exit_code == 0
    one = json.loads(found.output)
    assert (one["record"], one["becomes"]) == (1, "row")
    assert (one["event"]["service"], one["event"]["message"]) == ("app", "hello")
    assert one["attributes"] == {"order.id": "42", "status_code": "soon"}
    assert one["misfits"] == ["status_code"]


def test_a_line_becomes_a_reject_with_its_reason(file: str) -> None:
    """A strict source demands a time; the exit code tells."""
    found = tried("shop", file, '{"service": "cart"}', "oops")

    assert found.exit_code == 1
    reasons = [json.loads(line)["reason"] for line in found.output.splitlines()]
    assert reasons == ["missing_field", "syntax"]


def test_a_person_reads_it_in_lines(file: str) -> None:
    """A record each, and what is left over below it; no control character gets through."""
    found = tried("app", file, '{"msg": "a\\u001b[31mb", "order": 7}', "oops", how="table")

    assert "message=a\\x1b[31mb" in found.output
    assert "left over: order=7" in found.output
    assert "2  reject  " in found.output


def test_an_unknown_source_is_said(file: str) -> None:
    """With those that there are."""
    found = tried("nope", file)
    assert "there is no source nope" in str(found.exception)
    assert found.exception.remedy == "sources: shop, app"  # type: ignore[union-attr]


def test_sources_are_listed_without_kafka(file: str, tmp_path: Path) -> None:
    """Nobody knows then what waits."""
    where = ["--bootstrap", "127.0.0.1:9", "--lake", str(tmp_path / "lake"), "--format", "json"]
    found = CliRunner().invoke(sources, ["--sources", file, *where])

    assert found.exit_code == 0
    assert json.loads(found.output) == [
        {"source": "app", "format": "json", "topic": "app-logs", "state": "unknown", "lag": None},
        {"source": "shop", "format": "json", "topic": "web-logs", "state": "unknown", "lag": None},
    ]
    assert not (tmp_path / "lake").exists()


@pytest.mark.broker
def test_the_newest_records_of_a_topic_can_be_tried(
    broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """As many as are asked for, and its state and lag are listed."""
    send(broker.bootstrap, topic.name, [b'{"msg": "hello"}'] * 30, partition=0)
    file = tmp_path / "sources.toml"
    file.write_text(FILE.replace("app-logs", topic.name).replace("(.+)-logs", "(.+)"))
    where = ["--sources", str(file), "--bootstrap", broker.bootstrap, "--format", "json"]
    lake = ["--lake", str(tmp_path / "lake")]

    tried = CliRunner().invoke(source, ["try", "app", "--from", "kafka", "--lines", "10", *where])
    listed = CliRunner().invoke(sources, [*where, *lake])

    rows = [json.loads(line) for line in tried.output.splitlines()]
    assert [row["event"]["service"] for row in rows] == [topic.name] * 10
    states = {one["topic"]: (one["state"], one["lag"]) for one in json.loads(listed.output)}
    assert states == {topic.name: ("new", 30), "web-logs": ("missing", None)}
