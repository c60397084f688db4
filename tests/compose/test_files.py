"""What docker-compose.yml and docker-compose.cluster.yml promise, read without an engine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.containers import has_compose

ROOT = Path(__file__).parents[2]
FILE, CLUSTER = (
    yaml.safe_load((ROOT / name).read_text())
    for name in ("docker-compose.yml", "docker-compose.cluster.yml")
)
# With those that only the cluster has; what it changes of the others has tests of its own.
SERVICES: dict[str, dict[str, Any]] = {**CLUSTER["services"], **FILE["services"]}
ON_CLUSTER = {*CLUSTER["services"]} - {*FILE["services"]}
VOLUMES: dict[str, Any] = {**FILE["volumes"], **CLUSTER["volumes"]}
WORKERS = ("spark-worker-1", "spark-worker-2", "spark-worker-3")
OURS = {name: of for name, of in SERVICES.items() if "build" in of}
EVERY = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
EACH_OF_OURS = pytest.mark.parametrize("service", OURS.values(), ids=OURS)
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")
UNITS = {"m": 1, "g": 1024}


def megabytes(of: dict[str, Any]) -> int:
    """What a service may take at most."""
    return int(of["mem_limit"][:-1]) * UNITS[of["mem_limit"][-1]]


def needs(of: dict[str, Any]) -> dict[str, Any]:
    """What a service waits for, and until when."""
    found: dict[str, Any] = of.get("depends_on", {})
    return found


@EVERY
def test_every_container_is_bound(service: dict[str, Any]) -> None:
    """No rights, no way to more; memory, processes and logs have an end; an init reaps."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert megabytes(service) <= 2048
    assert service["pids_limit"] <= (2048 if service in map(SERVICES.get, WORKERS) else 512)
    assert service["logging"]["options"]["max-size"] == "10m"


@EACH_OF_OURS
def test_our_programs_write_to_volumes_only(service: dict[str, Any]) -> None:
    """A fixed user that is not root, a root file system that nobody writes, scratch in memory."""
    writable = [place for place in mounts(service) if not place.endswith(":ro")]
    assert service["user"] == "10001"
    assert service["read_only"] is True
    assert all(place.startswith("/tmp:") for place in service["tmpfs"])
    assert {mount.split(":")[0] for mount in writable} <= {*VOLUMES}


# Who has which volume, and whether to read only. What is not here, nobody else has.
TABLES = {"lake", "checkpoints"}
VOLUMES_OF: dict[str, tuple[set[str], set[str]]] = {
    "secrets": (
        {f"{n}-secret" for n in ("web", "gateway", "kafka-ui", "grafana", "spark")}
        | {"bucket-secret", "bucket-reader-secret"},
        set(),
    ),
    "kafka": ({"kafka"}, set()),
    "kafka-init": (set(), set()),
    "kafka-ui": (set(), {"kafka-ui-secret"}),
    "producer": ({"sent"}, set()),
    "streaming": (TABLES, set()),
    "anomaly": (TABLES, set()),
    **dict.fromkeys(("spark-master", *WORKERS), (set(), {"spark-secret"})),
    "s3": ({"bucket"}, {"bucket-secret", "bucket-reader-secret"}),
    "gateway": (set(), {"gateway-secret"}),
    "web": (set(), TABLES | {"web-secret"}),
    "analytics": (TABLES | {"work"}, {"sent"}),
    "prometheus": ({"prometheus"}, {"web-secret"}),
    "grafana": ({"grafana"}, {"grafana-secret"}),
}
# Who can talk to whom. `outside` is the only way out.
NETWORKS = {
    "kafka": {
        *("kafka", "kafka-init", "kafka-ui", "producer", "streaming", "anomaly", "web"),
        *("gateway", "analytics", *WORKERS),
    },
    "cluster": {"spark-master", *WORKERS, "streaming", "anomaly", "analytics"},
    "storage": {"s3", *WORKERS, "streaming", "anomaly", "analytics", "web"},
    "senders": {"gateway"},
    "metrics": {"web", "prometheus"},
    "boards": {"prometheus", "grafana"},
    "outside": {"anomaly"},
}


def mounts(of: dict[str, Any]) -> list[str]:
    """What a service sees of volumes and of the host, with the defaults of variables."""
    return [DEFAULTED.sub(r"\2", in_short(volume)) for volume in of.get("volumes", [])]


def in_short(volume: str | dict[str, Any]) -> str:
    """A volume as Compose writes it on one line: `source:target`, `:ro` where it is only read."""
    if isinstance(volume, str):
        return volume
    return f"{volume.get('source', '')}:{volume['target']}" + ":ro" * volume.get("read_only", False)


def networks_of(name: str) -> set[str]:
    """Where a service is, with those that the cluster adds."""
    both = [file["services"].get(name, {}) for file in (FILE, CLUSTER)]
    return {one for of in both for one in of.get("networks", [])}


@pytest.mark.parametrize("name", SERVICES)
def test_who_has_which_volume(name: str) -> None:
    """The page reads, the producer sees no tables, a secret is where it is needed."""
    of_volumes = [mount for mount in mounts(SERVICES[name]) if mount.split(":")[0] in VOLUMES]
    read_only = {mount.split(":")[0] for mount in of_volumes if mount.endswith(":ro")}
    assert ({mount.split(":")[0] for mount in of_volumes} - read_only, read_only) == (
        VOLUMES_OF[name]
    )


def test_who_talks_to_whom() -> None:
    """Each service is on the networks that it needs, and none is on the one that all share."""
    found = {
        name: {who for who in SERVICES if name in networks_of(who)}
        for name in (*FILE["networks"], *CLUSTER["networks"])
    }
    assert found == NETWORKS
    assert {name for name, of in SERVICES.items() if not of.get("networks")} == {"secrets"}
    assert SERVICES["secrets"]["network_mode"] == "none"


def test_one_network_leads_out() -> None:
    """Answers from elsewhere find no way back into the others."""
    masked = "com.docker.network.bridge.enable_ip_masquerade"
    inward = {
        name
        for name, of in {**FILE["networks"], **CLUSTER["networks"]}.items()
        if of and of["driver_opts"] == {masked: "false"}
    }
    assert inward == {*NETWORKS} - {"outside"}


def test_no_secret_has_a_default() -> None:
    """A variable that names one is empty unless a person chooses it; none is in a command."""
    text = (ROOT / "docker-compose.yml").read_text()
    named = {n: d for n, d in DEFAULTED.findall(text) if re.search("TOKEN|PASSWORD|SECRET", n)}
    assert named
    assert {*named.values()} == {""}
    commands = [f"{of.get('command', '')}" for of in SERVICES.values()]
    assert not any("TOKEN" in command or "PASSWORD" in command for command in commands)


def test_nobody_commits_what_is_chosen() -> None:
    """`.env`, where people put passwords, is ignored by git."""
    asked = ["git", "check-ignore", "--quiet", ".env"]
    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0


def test_the_cluster_answers_who_knows_the_secret() -> None:
    """Master and workers authenticate; jobs are not submitted by HTTP, and not killed by a link."""
    for name in ("spark-master", *WORKERS):
        options = SERVICES[name]["environment"]["SPARK_DAEMON_JAVA_OPTS"].split()
        assert {
            "-Dspark.authenticate=true",
            "-Dspark.network.crypto.enabled=true",
            "-Dspark.master.rest.enabled=false",
            "-Dspark.ui.killEnabled=false",
        } <= {*options}


def test_nobody_on_the_cluster_has_a_folder_of_the_lake() -> None:
    """Drivers and the page name a bucket, workers have nothing; keys are files, and theirs only."""
    for name, of in CLUSTER["services"].items():
        assert TABLES.isdisjoint(mount.split(":")[0] for mount in mounts(of))
        if name not in ON_CLUSTER:
            told, has = of["environment"], {*mounts(of)}
            # Compose puts them in place of what is mounted there otherwise
            assert {":/data/lake", ":/data/checkpoints"} <= has
            assert {told["LOGPOND_LAKE"][:5], told["LOGPOND_CHECKPOINTS"][:5]} == {"s3://"}
            assert told["LOGPOND_STORAGE_SECRET_KEY_FILE"] == "/secrets/bucket/secret-key"
            keys = "bucket-reader-secret" if name == "web" else "bucket-secret"
            assert f"{keys}:/secrets/bucket:ro" in has
    assert {*FILE["services"]} - {*CLUSTER["services"]} >= {"producer", "gateway"}


def test_kafka_ui_asks_for_a_password() -> None:
    """The one that is made at the first start; no page of another origin reads its answers."""
    environment = SERVICES["kafka-ui"]["environment"]
    assert environment["AUTH_TYPE"] == "LOGIN_FORM"
    assert environment["SPRING_CONFIG_IMPORT"] == "configtree:/secrets/kafka-ui/"
    assert DEFAULTED.sub(r"\2", environment["CORS_ALLOWEDORIGINS"]) == "http://localhost:8080"
    assert "profiles" not in SERVICES["kafka-ui"]


def test_webhook_settings_reach_detection() -> None:
    """An incident is told to the address in `.env`."""
    names = {f"LOGPOND_WEBHOOK_{name}" for name in ("URL", "TOKEN", "SECRET")}
    assert names <= {*SERVICES["anomaly"]["environment"]}


def test_files_of_the_host_are_read_only_and_their_folder_is_there() -> None:
    """Jobs read them and cannot change them; a folder that Docker had to make would be root's."""
    assert "./files:/files:ro" in mounts(SERVICES["analytics"])
    assert (ROOT / "files" / ".gitignore").is_file()


def test_all_of_it_fits_a_laptop() -> None:
    """What runs without a profile takes at most 6 GB, all limits together; two end at once."""
    ending = {name for name, of in SERVICES.items() if of["restart"].startswith("on-failure")}
    assert ending == {"secrets", "kafka-init"}
    running = [of for name, of in SERVICES.items() if name not in ending | ON_CLUSTER]
    assert sum(megabytes(of) for of in running if "profiles" not in of) <= 6 * 1024


@EVERY
def test_ports_are_this_machines_only(service: dict[str, Any]) -> None:
    """Each on 127.0.0.1, named by a variable with a default."""
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+_PORT:-\d+\}:\d+", port)


@EVERY
def test_images_are_pinned(service: dict[str, Any]) -> None:
    """By a version; ours are built here."""
    tag = DEFAULTED.sub(r"\2", service["image"]).rsplit(":", 1)[1]
    assert "build" in service or re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_what_runs_once_is_waited_for() -> None:
    """`up --wait` takes the end of a container for a failure unless another one waits for it."""
    once = {name for name, of in SERVICES.items() if of.get("restart", "").startswith("on-failure")}
    until = {(n, on["condition"]) for of in SERVICES.values() for n, on in needs(of).items()}
    assert once
    assert {name for name, how in until if how == "service_completed_successfully"} == once


def test_what_is_waited_for_can_say_that_it_is_well() -> None:
    """Whoever waits for health waits for a service that has a check."""
    until = {(n, on["condition"]) for of in SERVICES.values() for n, on in needs(of).items()}
    awaited = {name for name, how in until if how == "service_healthy"}
    assert awaited
    assert all("healthcheck" in SERVICES[name] for name in awaited)


@pytest.mark.parametrize("name", ["streaming", "anomaly"])
def test_a_stop_waits_for_a_batch(name: str) -> None:
    """A query is given longer than it gives a batch that does not end."""
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 60


def test_a_stop_ends_jobs_before_the_workers_that_they_wait_for() -> None:
    """Compose stops first who needs another."""
    for name in ("streaming", "anomaly"):
        assert {*WORKERS} <= {*needs(CLUSTER["services"][name])}


@pytest.mark.skipif(not has_compose(), reason="no docker compose here")
@pytest.mark.parametrize("profile", ["", "tools", "monitoring"])
@pytest.mark.parametrize("more", [[], ["-f", "docker-compose.cluster.yml"]], ids=["", "cluster"])
def test_compose_reads_it_without_a_word(profile: str, more: list[str]) -> None:
    """`docker compose config` is clean in every profile; no engine is asked."""
    files = ["-f", "docker-compose.yml", *more]
    words = ["docker", "compose", *files, "--profile", profile, "config", "--quiet"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_topics_have_the_brokers_clock() -> None:
    """The guard against events from the future goes by it."""
    (*_, script) = SERVICES["kafka-init"]["command"]
    assert "for topic in web-logs app-logs" in script
    assert "--config=message.timestamp.type=LogAppendTime" in script
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE"] == "LogAppendTime"
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_keeps_its_records_on_a_volume() -> None:
    """Where it writes is a named volume, so that `down` and `up` go on."""
    where = SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]
    assert f"kafka:{where}" in SERVICES["kafka"]["volumes"]
    assert {"kafka", "lake", "checkpoints"} <= {*VOLUMES}


def test_every_variable_is_in_the_example_with_its_default() -> None:
    """`.env.example` lists what can be set, and nothing else."""
    files = ("docker-compose.yml", "docker-compose.cluster.yml")
    text = "".join((ROOT / name).read_text() for name in files)
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    named = {n: d for n, d in DEFAULTED.findall(text) if not n.endswith("_FILE")}
    assert {n: d for n, d in named.items() if n != "LOGPOND_TAG"} == listed


def test_dockerfile_takes_locked_packages_only() -> None:
    """Every installation is by hash or of nothing from outside; no image without a version."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    installs = [line for line in re.split(r"&&|\n", text) if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert "# syntax" not in text
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:${PYTHON}-slim-bookworm"] * 2
