"""The stack on a Kafka that is there already, as `docker compose` reads the two files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.containers import ROOT, has_compose

from lakehouse.runtime.kafka_connection import Connection
from lakehouse.schemas.connection import RegistryConnection
from lakehouse.settings import load

pytestmark = pytest.mark.skipif(not has_compose(), reason="docker compose is not here")
FILES = ["-f", "docker-compose.yml", "-f", "docker-compose.kafka.yml"]
ON_CLUSTER = ["-f", "docker-compose.cluster.yml"]
AT = {"LOGPOND_KAFKA_BOOTSTRAP": "kafka.example.org:9093", "LOGPOND_KAFKA_USER": "lake"}
PROGRAMS = ("streaming", "anomaly", "web", "gateway", "analytics", "producer")


def asked(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `docker compose config` says of both files."""
    return subprocess.run(
        ["docker", "compose", *FILES, *words, "config", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def read(*words: str, **variables: str) -> dict[str, Any]:
    """The project that both files make."""
    done = asked(*words, **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_of_its_own_is_started() -> None:
    """No broker, no page of one, no traffic; nobody waits for what is not there."""
    services = read(**AT)["services"]
    assert {*services} == {"secrets", "streaming", "anomaly", "web", "gateway"}
    waits = [of for one in services.values() for of in one.get("depends_on", {}).items()]
    assert {name for name, how in waits if how["required"]} == {"secrets", "streaming"}


def test_every_program_is_told_where_and_may_reach_it() -> None:
    """By the network of Kafka, which leads out; its own environment stays."""
    project = read("--profile", "*", **AT)
    services = project["services"]
    told = {services[name]["environment"]["LOGPOND_KAFKA_BOOTSTRAP"] for name in PROGRAMS}
    assert told == {AT["LOGPOND_KAFKA_BOOTSTRAP"]}
    assert all("kafka" in services[name]["networks"] for name in PROGRAMS)
    assert project["networks"]["kafka"]["driver_opts"] == {
        "com.docker.network.bridge.enable_ip_masquerade": "true"
    }
    assert services["streaming"]["environment"]["LOGPOND_SPARK_DRIVER_MEMORY"] == "768m"


def test_a_secret_is_a_file_that_programs_see(tmp_path: Path) -> None:
    """Its text is in no environment; what is not given is not named to them."""
    secret = tmp_path / "password"
    secret.write_text("of the tests only")
    project = read("--profile", "*", **AT, KAFKA_PASSWORD_FILE=str(secret))
    assert project["secrets"]["kafka-password"]["file"] == str(secret)
    assert secret.read_text() not in json.dumps(project)
    for name in PROGRAMS:
        of = project["services"][name]
        assert of["environment"]["LOGPOND_KAFKA_PASSWORD_FILE"] == "/run/secrets/kafka-password"
        assert of["environment"]["LOGPOND_KAFKA_CA_FILE"] == ""
        assert "kafka-password" in {each["source"] for each in of["secrets"]}


def test_programs_are_told_of_a_schema_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it answers; its password is a secret as Kafka's is, and without one it is none."""
    secret = tmp_path / "password"
    secret.write_text("of the tests only\n")
    at = {"LOGPOND_REGISTRY_URL": "http://registry.example.org:8081"}
    signs = {"LOGPOND_REGISTRY_USER": "lake", "REGISTRY_PASSWORD_FILE": str(secret)}
    for given, password in (({}, None), (at, ""), ({**at, **signs}, "of the tests only")):
        told = read(**AT, **given)["services"]["streaming"]
        assert "registry-password" in {each["source"] for each in told["secrets"]}
        for name, value in told["environment"].items():
            if name.startswith("LOGPOND_REGISTRY_"):
                at_host = value.replace("/run/secrets/registry-password", str(secret))
                monkeypatch.setenv(name, at_host)
        found = RegistryConnection.of(load().registry)
        assert (found and found.password.get_secret_value()) == password
        assert found is None or found.urls == (at["LOGPOND_REGISTRY_URL"],)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_SSL"])
def test_programs_take_what_they_are_told(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that a file is none: an empty variable says nothing."""
    secret = tmp_path / "password"
    secret.write_text("of the tests only\n")
    signs = protocol != "PLAINTEXT"
    more = {"LOGPOND_KAFKA_PROTOCOL": protocol, "LOGPOND_KAFKA_USER": "lake" if signs else ""}
    given = {**AT, **more, **({"KAFKA_PASSWORD_FILE": str(secret)} if signs else {})}
    told = read(**given)["services"]["streaming"]["environment"]
    for name, value in told.items():
        if name.startswith("LOGPOND_KAFKA_"):
            monkeypatch.setenv(name, value.replace("/run/secrets/kafka-password", str(secret)))
    found = Connection.of(load().kafka)
    assert (found.bootstrap, found.protocol) == (AT["LOGPOND_KAFKA_BOOTSTRAP"], protocol)
    assert found.password.get_secret_value() == ("of the tests only" if signs else "")


def test_workers_have_the_certificates_where_their_driver_has_them(tmp_path: Path) -> None:
    """On a cluster too; and no password, which comes with a task."""
    ca = tmp_path / "ca.pem"
    ca.write_text("a certificate")
    services = read(*ON_CLUSTER, **AT, KAFKA_CA_FILE=str(ca))["services"]
    driver = services["streaming"]["environment"]
    assert driver["LOGPOND_SPARK_MASTER"] == "spark://spark-master:7077"
    for name in ("spark-worker-1", "spark-worker-2", "spark-worker-3"):
        seen = {each["target"] for each in services[name]["secrets"]}
        assert driver["LOGPOND_KAFKA_CA_FILE"] in seen
        assert not any("password" in target for target in seen)
        assert "kafka" in services[name]["networks"]


def test_a_kafka_must_be_named() -> None:
    """Nobody starts a stack that looks for one at no address."""
    done = asked(LOGPOND_KAFKA_BOOTSTRAP="")
    assert done.returncode != 0
    assert "name your Kafka in .env" in done.stderr
