"""The stack on a Kafka that is there already, run for real: TLS, SCRAM, rights by topic."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from support.containers import PORTS, Stack, missing, until
from support.secured import PASSWORD, Authority, add_user, allow

from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]
FILES = ("docker-compose.kafka.yml", "tests/compose/secured-kafka.yml")
PROGRAMS = ("streaming", "anomaly", "web", "gateway")
# What docs/docker.md asks a user to have: Read on both, Write on that of the gateway.
RIGHTS = {"web-logs": ("READ",), "gateway-logs": ("READ", "WRITE")}
OPEN = Connection("127.0.0.1:19094")
TOKEN = "a-token-of-the-gateway"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority's certificates, and the password of a user in a file, for Docker to read."""
    folder = tmp_path_factory.mktemp("private")
    Authority(folder).sign("broker", "DNS:broker")
    (folder / "password").write_text(f"{PASSWORD}\n")
    for one in (folder, folder.parent, *folder.iterdir()):
        one.chmod(0o755 if one.is_dir() else 0o644)
    return folder


@pytest.fixture(scope="module")
def stack(files: Path) -> Iterator[Stack]:
    """A broker of somebody's, a user on it with the least rights, and our programs."""
    if why := missing():
        pytest.skip(why)
    settings = {
        "BROKER_CERTIFICATES": str(files),
        "LOGPOND_KAFKA_BOOTSTRAP": "broker:9093",
        "LOGPOND_KAFKA_USER": "logpond",
        "KAFKA_PASSWORD_FILE": str(files / "password"),
        "KAFKA_CA_FILE": str(files / "ca.pem"),
        "LOGPOND_GATEWAY_TOKEN": TOKEN,
    }
    with Stack(*FILES, **settings) as running:
        running("build", "streaming", timeout=1200)
        running("up", "--detach", "--wait", "broker", timeout=300)
        add_user(OPEN, "logpond")
        for topic, rights in RIGHTS.items():
            kafka.create(OPEN, topic, partitions=2)
            allow(OPEN, "logpond", topic, *rights)
        running("up", "--detach", "--wait", timeout=900)
        yield running


def send(lines: int) -> None:
    """Have the gateway take so many records; it answers once the broker has them."""
    body = "\n".join(json.dumps({"message": f"line {n}", "level": "info"}) for n in range(lines))
    asked = Request(
        f"http://127.0.0.1:{PORTS['GATEWAY_PORT']}/ingest/cart",
        data=body.encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"},
    )
    with urlopen(asked, timeout=60) as answer:
        assert answer.status == 200


def taken(stack: Stack) -> int:
    """How many records of the gateway are rows; there is no table before the first."""
    count = "SELECT COUNT(*) AS n FROM logs WHERE _topic = 'gateway-logs'"
    done = stack.tried("run", "--rm", "-T", "analytics", "sql", count, "--format", "json")
    return int(json.loads(done.stdout)[0]["n"]) if done.returncode == 0 else 0


def test_all_of_it_runs_and_nothing_of_its_own(stack: Stack) -> None:
    """What has a check passes it; no broker, no page of one and no traffic was started."""
    assert stack.states() == {
        "secrets": "exited",
        "broker": "healthy",
        **dict.fromkeys(PROGRAMS, "healthy"),
    }


def test_records_go_there_and_come_from_there(stack: Stack) -> None:
    """From the gateway, signed in, to rows of the table; `verify` and `doctor` are content."""
    send(100)
    until(lambda: taken(stack) == 100)
    assert "ok:" in stack.logpond("verify")
    assert "broker:9093" in stack.logpond("doctor")


def test_a_broker_that_was_away_is_waited_for(stack: Stack) -> None:
    """Nobody else is restarted, and what came before and after is there once."""
    stack("restart", "broker")
    until(lambda: "healthy" in stack.states()["broker"])
    send(50)
    until(lambda: taken(stack) == 150)
    assert "ok:" in stack.logpond("verify")


def test_the_password_is_in_a_file_of_docker_and_nowhere_else(stack: Stack) -> None:
    """Not in what Docker tells of a container, in a command, nor in what programs say."""
    for name in PROGRAMS:
        (told,) = json.loads(inspected(stack, name))
        commands = stack("exec", "-T", name, "sh", "-c", "cat /proc/[0-9]*/cmdline")
        for text in (json.dumps(told), commands, stack("logs", name)):
            assert PASSWORD not in text
            assert json.dumps(PASSWORD) not in text
        assert PASSWORD in stack("exec", "-T", name, "cat", "/run/secrets/kafka-password")


def inspected(stack: Stack, name: str) -> str:
    """What Docker tells of a container."""
    container = stack("ps", "--quiet", name).strip()
    words = ["docker", "inspect", container]
    return subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ).stdout
