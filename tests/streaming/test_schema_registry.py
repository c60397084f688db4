"""Records by serializers of Confluent, a registry that they ask, and a stream that does too."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from pydantic import SecretStr
from support import protos
from support.messages import send
from support.registry import Kept, Served, posted, served
from support.streams import Once, environment, settings

from analytics.commands.sources import source
from analytics.commands.tail import tail
from batch.commands.discover import discover
from cli.commands.doctor import doctor
from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime import kafka
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = [pytest.mark.broker, pytest.mark.spark]

USER = ("ann", 'open sesame: \'and "more"')
BIG = 2**53 + 1
WHEN = datetime(2026, 5, 1, 11, 59, 30, 250_001, UTC)
KINDS = ("avro", "protobuf", "json-schema")
FIELDS = [
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "service", "type": "string"},
    {"name": "status_code", "type": ["null", "int"]},
    {"name": "big", "type": "long"},
    {"name": "tags", "type": {"type": "map", "values": "string"}},
]
AVRO = {"type": "record", "name": "Request", "namespace": "shop", "fields": FIELDS}
TAGS, TAGS_ENTRY = protos.map_of("tags", 5, ".shop.Request", "string")
PROTO = protos.file(
    protos.message(
        "Request",
        protos.field("timestamp", 1, ".google.protobuf.Timestamp"),
        protos.field("service", 2, "string"),
        protos.field("status_code", 3, "int32"),
        protos.field("big", 4, "int64"),
        TAGS,
        nestedType=[TAGS_ENTRY],
    ),
    dependency=["google/protobuf/timestamp.proto"],
)
JSON = {"title": "Request", "type": "object", "properties": {"service": {"type": "string"}}}
SAME = ("timestamp", "service", "status_code", "attributes", "_misfits")


# An array of 2^60 elements of nothing, and a record within a record, 900,000 times.
NULLS = {"name": "x", "type": {"type": "array", "items": "null"}}
NEXT = {"name": "next", "type": ["null", "Node"]}
BOMBS = [
    ({"type": "record", "name": "R", "fields": [NULLS]}, b"\x80" * 8 + b"\x20"),
    ({"type": "record", "name": "Node", "fields": [NEXT]}, b"\x02" * 900_000),
]


def bomb(registry: Served, schema: Any, body: bytes) -> bytes:
    """A record that would end an executor which takes it at its word."""
    return b"\x00" + registry.kept.add("bombs", posted(schema)).to_bytes(4, "big") + body


@pytest.fixture
def registry() -> Iterator[Served]:
    """A registry that wants to know who asks."""
    with served(Kept(user=USER)) as found:
        yield found


def serialized(url: str, kind: str, topic: str, service: str) -> bytes:
    """An event as Confluent's serializer of a kind writes it, whose schema it registers."""
    client = SchemaRegistryClient({"url": url, "basic.auth.user.info": ":".join(USER)})
    given: dict[str, Any] = {"service": service, "status_code": 503, "big": BIG, "tags": {"a": "b"}}
    context = SerializationContext(topic, MessageField.VALUE)
    if kind == "avro":
        return AvroSerializer(client, json.dumps(AVRO))(given | {"timestamp": WHEN}, context)
    if kind == "json-schema":
        given["timestamp"] = WHEN.isoformat()
        return JSONSerializer(json.dumps(JSON), client)(given, context)
    made = protos.kind("shop.Request", PROTO)
    message = made(**given)
    message.timestamp.FromDatetime(WHEN)  # type: ignore[attr-defined]
    return ProtobufSerializer(made, client, {"use.deprecated.format": False})(message, context)


@pytest.fixture
def asked(broker: Broker, registry: Served, tmp_path: Path) -> Settings:
    """A new lake over a topic of each kind, with its registry; they are of one partition."""
    topics = {kind: f"{kind}-{uuid.uuid4().hex[:8]}" for kind in KINDS}
    for topic in topics.values():
        kafka.create(broker.connection, topic, partitions=1)
    file = tmp_path / "sources.toml"
    file.write_text(
        "".join(f'[{kind}]\ntopics = ["{topics[kind]}"]\nformat = "{kind}"\n' for kind in KINDS)
    )
    (tmp_path / "password").write_text(f"{USER[1]}\n")
    more = {
        "registry_url": registry.url,
        "registry_user": USER[0],
        "registry_password_file": str(tmp_path / "password"),
        "registry_hold_seconds": 1,
    }
    found = settings(broker.bootstrap, topics["avro"], tmp_path / "lake", sources=str(file), **more)
    assert SecretStr(USER[1]) != found.registry.password
    return found


def topic_of(asked: Settings, kind: str) -> str:
    """The topic of a kind."""
    text = Path(asked.sources).read_text()
    return text.partition(f"[{kind}]")[2].split('"')[1]


def rows(asked: Settings, table: Any) -> list[dict[str, Any]]:
    """All rows of a table."""
    found = store.open_table(Places.of(asked), table).to_pyarrow_dataset().to_table()
    return found.to_pylist()  # type: ignore[no-any-return]


def child(asked: Settings, *words: str) -> str:
    """What a command says, run as a person would, with the settings of the lake."""
    registry = {
        f"LOGPOND_REGISTRY_{name.upper()}": str(getattr(asked.registry, name))
        for name in ("url", "user", "password_file", "hold_seconds")
    }
    done = subprocess.run(
        [sys.executable, "-m", *words, "--lake", asked.lake],
        capture_output=True,
        text=True,
        env=environment(asked) | registry,
    )
    assert done.returncode == 0, done.stderr
    assert USER[1] not in done.stdout + done.stderr
    return done.stdout


def test_three_topics_of_a_registry(asked: Settings, registry: Served, once: Once) -> None:
    """The same event is the same row, whoever wrote it; what cannot be read waits in quarantine."""
    bootstrap = asked.kafka.bootstrap
    for kind in KINDS:
        topic = topic_of(asked, kind)
        send(bootstrap, topic, [serialized(registry.url, kind, topic, "shop")] * 20)
    with served(Kept(user=USER, first=900)) as another:
        unknown = serialized(another.url, "avro", topic_of(asked, "avro"), "late")
        schema = another.kept.schemas[900]
    bombs = [bomb(registry, schema, body) for schema, body in BOMBS]
    send(bootstrap, topic_of(asked, "avro"), [unknown] * 3 + [b"\x00\x00\x00\x00\x01\x80", b"{}"])
    send(bootstrap, topic_of(asked, "avro"), bombs)
    once(asked)

    found = [{name: row[name] for name in SAME} for row in rows(asked, LOGS)]
    assert len(found) == 60
    assert all(one == found[0] for one in found), found[::20]
    assert found[0]["attributes"] == [("big", str(BIG)), ("tags.a", "b")]
    reasons = sorted(row["reason"] for row in rows(asked, QUARANTINE))
    assert reasons == ["bad_format"] * 2 + ["over_budget"] * len(BOMBS) + ["unknown_schema"] * 3
    assert verify(Places.of(asked)).ok
    written = [file for file in Path(asked.lake).rglob("*") if file.is_file()]
    assert [file for file in written if USER[1].encode() in file.read_bytes()] == []

    registry.kept.schemas[900] = schema
    said = child(asked, "streaming", "replay-quarantine")
    assert f"{5 + len(BOMBS)} open records looked at: 3 passed" in said
    assert sum(row["service"] == "late" for row in rows(asked, LOGS)) == 3
    assert verify(Places.of(asked)).ok


@pytest.mark.nightly
def test_a_registry_that_is_away(asked: Settings, registry: Served, once: Once) -> None:
    """Its records wait in quarantine, those that need none pass, and nothing is lost."""
    bootstrap = asked.kafka.bootstrap
    avro, plain = topic_of(asked, "avro"), topic_of(asked, "json-schema")
    send(bootstrap, avro, [serialized(registry.url, "avro", avro, "shop")] * 10)
    send(bootstrap, plain, [serialized(registry.url, "json-schema", plain, "shop")] * 5)
    away = asked.registry.model_copy(update={"url": "http://127.0.0.1:1"})
    once(asked.model_copy(update={"registry": away}))
    assert [row["reason"] for row in rows(asked, QUARANTINE)] == ["no_registry"] * 10
    assert len(rows(asked, LOGS)) == 5
    assert verify(Places.of(asked)).ok

    assert "10 passed" in child(asked, "streaming", "replay-quarantine")
    assert len(rows(asked, LOGS)) == 15
    assert verify(Places.of(asked)).ok


def test_those_who_look_ask_the_registry_too(
    asked: Settings, registry: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What discover proposes reads the topic; try and tail do; doctor says whether one would."""
    for name in ("url", "user", "password_file"):
        monkeypatch.setenv(f"LOGPOND_REGISTRY_{name.upper()}", getattr(asked.registry, name))
    for kind in KINDS:
        topic = topic_of(asked, kind)
        send(asked.kafka.bootstrap, topic, [serialized(registry.url, kind, topic, "shop")] * 5)
        words = ["--topic", topic, "--bootstrap", asked.kafka.bootstrap, "--lake", asked.lake]
        said = CliRunner().invoke(discover, words, catch_exceptions=False)
        assert f'format = "{kind}"' in said.stdout, said.output
        assert "service =" not in said.stdout

    words = ["--from", "kafka", "--bootstrap", asked.kafka.bootstrap, "--lake", asked.lake]
    more = ["--sources", asked.sources, "--format", "json"]
    said = CliRunner().invoke(source, ["try", "protobuf", *words, *more], catch_exceptions=False)
    assert [json.loads(line)["becomes"] for line in said.stdout.splitlines()] == ["row"] * 5
    monkeypatch.setenv("LOGPOND_SOURCES", asked.sources)
    more = ["--topic", topic_of(asked, "avro"), "--no-follow", "--format", "json"]
    said = CliRunner().invoke(tail, [*words, *more], catch_exceptions=False)
    assert [json.loads(line)["service"] for line in said.stdout.splitlines()] == ["shop"] * 5
    monkeypatch.delenv("LOGPOND_SOURCES")

    def checked() -> dict[str, Any]:
        words = ["--bootstrap", asked.kafka.bootstrap, "--lake", asked.lake, "--format", "json"]
        said = CliRunner().invoke(doctor, words)
        return next(one for one in json.loads(said.stdout) if one["check"] == "registry")

    assert checked()["state"] == "ok"
    monkeypatch.setenv("LOGPOND_SOURCES", asked.sources)
    assert "told its password in the clear" in checked()["found"]
    (tmp_path / "password").write_text("wrong")
    assert (checked()["state"], "refuses this user" in checked()["found"]) == ("bad", True)
    for name in ("url", "user", "password_file"):
        monkeypatch.delenv(f"LOGPOND_REGISTRY_{name.upper()}")
    assert "none is set" in checked()["found"]
