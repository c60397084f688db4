"""Which Kafka belongs to a lake."""

from __future__ import annotations

from pathlib import Path

from lakehouse.paths import Places
from lakehouse.runtime.embedded_kafka import connection, embedded
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Kafka


def places(folder: Path, port: int | None = None) -> Places:
    """A lake, with an embedded broker where a port is given."""
    made = Places(str(folder), str(folder / "_checkpoints"))
    if port:
        Path(made.broker).mkdir(parents=True)
        lines = f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n"
        (Path(made.broker) / "server.properties").write_text(lines)
    return made


def test_the_default_means_the_lakes_own_broker(tmp_path: Path) -> None:
    """Wherever it listened when it was last started."""
    assert connection(places(tmp_path, 33473), Kafka()) == Connection("127.0.0.1:33473")


def test_one_that_is_named_is_taken(tmp_path: Path) -> None:
    """Also where the lake has one of its own."""
    assert connection(places(tmp_path, 33473), Kafka(bootstrap="kafka:9092")) == Connection(
        "kafka:9092"
    )


def test_a_lake_without_one_has_the_default(tmp_path: Path) -> None:
    """Nor has a lake behind a URL one of its own."""
    assert connection(places(tmp_path), Kafka()) == Connection("localhost:9092")
    assert embedded(Places("s3://bucket/lake", "s3://bucket/lake/_checkpoints")) is None
