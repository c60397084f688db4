"""A whole lake in a bucket: tables, checkpoints, plans and manifests; no folder but for logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import obstore
import psutil
import pyarrow as pa
import pytest
from support import streams
from support.bucket import Bucket
from support.messages import send
from support.promise import broken
from support.records import message

from cli.stack.broker import Broker
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings
from lakehouse.store import objects

pytestmark = [pytest.mark.broker, pytest.mark.spark]
CHILD = Path(streams.__file__).parent / "ingest_child.py"
COMMANDS = (
    "detect --once",
    "import {file}",
    "import {file} --again",
    "optimize logs",
    "upkeep",
    "vacuum logs",
    "retain logs --days 1",
    "reconcile",
    "analyze",
    "report top-errors",
    "history logs",
    "diff logs 0 1",
    "tables",
)
SPARK_PAGES = ("jobs/", "environment/", "executors/", "api/v1/applications")
HOUR = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def asked(bucket: Bucket, broker: Broker, topic: Topic, tmp_path: Path, monkeypatch) -> Settings:  # type: ignore[no-untyped-def]
    """The settings of a lake that is nowhere but in a bucket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGPOND_SPARK_EVENT_LOG_MB", "16")
    return streams.settings(broker.bootstrap, topic.name, bucket.url)  # type: ignore[arg-type]


def events(count: int, hours: float = 2.0) -> list[bytes]:
    """Events of some hours, and one that no decoder takes."""
    step = timedelta(hours=hours) / count
    times = [(HOUR + step * number).isoformat() for number in range(count)]
    return [*(message(event_id=f"{t}", timestamp=t) for t in times), b"{no json"]


def logpond(*words: str, lake: str) -> str:
    """What a command says."""
    command = [sys.executable, "-m", "cli", *words, "--lake", lake]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_with(text: str, folder: Path) -> list[str]:
    """The files in which a text can be read."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(file) for file in files if text.encode() in content(file)]


def content(file: Path) -> bytes:
    """The bytes of a file; event logs are compressed."""
    if file.suffix != ".zstd":
        return file.read_bytes()
    with pa.input_stream(file, compression="zstd") as unpacked:
        return bytes(unpacked.read())


def processes() -> str:
    """The commands of all processes, a line each."""
    running = psutil.process_iter(["cmdline"])
    return "\n".join(" ".join(one.info["cmdline"] or ()) for one in running)


def looked_at(ui: str) -> list[str]:
    """Spark's pages; the last one has all of its properties."""
    with httpx.Client(base_url=ui, follow_redirects=True, timeout=60) as client:
        pages = [client.get(f"/{page}") for page in SPARK_PAGES]
        application = pages[-1].json()[0]["id"]
        pages.append(client.get(f"/api/v1/applications/{application}/environment"))
    assert [page.status_code for page in pages] == [200] * len(pages)
    return [page.text for page in pages]


def test_a_stream_in_a_bucket(
    asked: Settings, broker: Broker, topic: Topic, bucket: Bucket, tmp_path: Path
) -> None:
    """Killed in the middle of a batch, started again: every record once, windows closed.

    The keys are in no log, and in no event log of Spark.
    """
    sent = send(broker.bootstrap, topic.name, events(600))
    order = {
        "die_at": "logs",
        "stricter": False,
        "settings": {
            "lake": asked.lake,
            "kafka_bootstrap": broker.bootstrap,
            "kafka_topic": topic.name,
        },
    }
    killed = subprocess.run(
        [sys.executable, str(CHILD), json.dumps(order)], env=streams.environment(asked)
    )
    assert killed.returncode == -signal.SIGKILL

    with streams.running(asked, "--once") as stream:
        said, _ = stream.communicate(timeout=240)
    assert stream.returncode == 0, said
    places = Places.of(asked)
    assert broken(broker.bootstrap, places, topic.name) == []
    verdict = verify(places)
    assert (verdict.ok, verdict.records) == (True, sent)
    assert store.open_table(places, "traffic").count() > 0

    counted = logpond("sql", "SELECT count(*) AS n FROM logs", "--format", "json", lake=asked.lake)
    assert json.loads(counted) == [{"n": sent - 1}]
    assert files_with("fs.s3a.path.style.access", tmp_path)  # event logs are read
    assert files_with(bucket.server.secret_key, tmp_path) == []


def test_who_looks_at_a_stream_at_work_sees_no_key(
    asked: Settings,
    broker: Broker,
    topic: Topic,
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the lists of processes, Spark's pages and its API, what is said, and each small object."""
    secret = bucket.server.secret_key
    monkeypatch.setenv("LOGPOND_STORAGE_ACCESS_KEY", bucket.server.access_key)
    monkeypatch.setenv("LOGPOND_STORAGE_SECRET_KEY", secret)
    send(broker.bootstrap, topic.name, events(10))
    with streams.running(asked) as stream:
        began = streams.until(stream, "Spark UI: ")
        said = [*began, *streams.until(stream, " batch ")]
        pages, lines = looked_at(began[-1].split()[-1]), processes()
        code, rest = streams.stop(stream)
    at = objects.store(asked.lake)
    names = [str(item["path"]) for page in obstore.list(at) for item in page]
    small = [name for name in names if not name.endswith(".parquet")]
    contents = [(objects.get(at, name) or b"").decode(errors="replace") for name in small]

    assert code == 0, rest
    assert asked.lake in lines
    assert "spark.app.name" in pages[-1]
    assert any("manifest.json" in name for name in small)
    texts = [lines, *pages, *said, rest, *contents]
    assert [text for text in texts if secret in text] == []
    assert files_with(secret, tmp_path) == []


@pytest.mark.nightly
def test_everything_else_in_a_bucket(
    asked: Settings, broker: Broker, topic: Topic, tmp_path: Path
) -> None:
    """Detection, import and all upkeep, by their commands; `verify` is clean after each."""
    send(broker.bootstrap, topic.name, events(600, hours=30))
    lines = tmp_path / "more.ndjson"
    lines.write_bytes(b"\n".join(events(50)) + b"\n")
    with streams.running(asked, "--once") as stream:
        said, _ = stream.communicate(timeout=600)
    assert stream.returncode == 0, said
    for words in COMMANDS:
        logpond(*words.format(file=lines).split(), lake=asked.lake)
        logpond("verify", lake=asked.lake)
    places = Places.of(asked)
    assert store.open_table(places, "logs_windowed").count() > 0
    assert store.open_table(places, "logs").count() == 650
