"""The stack on a bucket that is there already: as `docker compose` reads it, and for real."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import ROOT, Stack, has_compose, missing, until

from lakehouse.settings import load
from lakehouse.storage import Storage

pytestmark = pytest.mark.skipif(not has_compose(), reason="docker compose is not here")
AT = {"LOGPOND_LAKE": "s3://logs/lake", "LOGPOND_STORAGE_ENDPOINT": "https://s3.example.org"}
BUCKET, CLUSTER = "docker-compose.bucket.yml", "docker-compose.cluster.yml"
PROGRAMS = ("streaming", "anomaly", "web", "analytics")
EACH = pytest.mark.parametrize("files", [[BUCKET], [CLUSTER, BUCKET]], ids=["here", "cluster"])


def read(files: list[str], *words: str, **variables: str) -> dict[str, Any]:
    """The project that files make beside docker-compose.yml."""
    named = [word for file in ("docker-compose.yml", *files) for word in ("-f", file)]
    done = subprocess.run(
        ["docker", "compose", *named, *words, "config", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@EACH
def test_no_store_of_its_own_is_started_and_no_folder_is_the_lakes(files: list[str]) -> None:
    """Each program names your bucket, and may reach it; none has a volume of the lake."""
    project = read(files, **AT)
    assert "s3" not in project["services"]
    assert project["networks"]["storage"]["driver_opts"] == {
        "com.docker.network.bridge.enable_ip_masquerade": "true"
    }
    services = read(files, "--profile", "tools", **AT)["services"]
    for name in PROGRAMS:
        of = services[name]
        assert of["environment"]["LOGPOND_LAKE"] == AT["LOGPOND_LAKE"]
        assert "storage" in of["networks"]
        assert {"lake", "checkpoints"}.isdisjoint(one.get("source") for one in of["volumes"])


@EACH
@pytest.mark.parametrize("with_keys", [True, False], ids=["keys", "a role"])
def test_programs_take_what_they_are_told(
    files: list[str], with_keys: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are files, whose text is in no environment; without them the machine's role asks."""
    given = {}
    for name in ("access-key", "secret-key"):
        (tmp_path / name).write_text(f"{name}-of-the-tests\n")
        given[f"BUCKET_{name.upper().replace('-', '_')}_FILE"] = str(tmp_path / name)
    project = read(files, **AT, **(given if with_keys else {}))
    assert "of-the-tests" not in json.dumps(project)
    for name, value in project["services"]["streaming"]["environment"].items():
        if name.startswith("LOGPOND_"):
            at_host = value.replace("/run/secrets/bucket-", f"{tmp_path}/")
            monkeypatch.setenv(name, at_host)
    settings = load()
    found = Storage.of(settings.storage, {})
    assert (settings.lake, settings.checkpoints) == (AT["LOGPOND_LAKE"], "")
    assert found.endpoint == AT["LOGPOND_STORAGE_ENDPOINT"]
    assert found.secret_key.get_secret_value() == ("secret-key-of-the-tests" if with_keys else "")


def test_a_bucket_must_be_named() -> None:
    """Nobody starts a stack whose lake is nowhere."""
    with pytest.raises(AssertionError, match=r"name your bucket in \.env"):
        read([BUCKET], LOGPOND_LAKE="")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Ingest into a bucket of somebody's, with Spark in the driver's own process."""
    if why := missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("private")
    keys = {}
    for name in ("access-key", "secret-key"):
        (folder / name).write_text(f"{name}-of-the-tests")
        keys[f"BUCKET_{name.upper().replace('-', '_')}_FILE"] = str(folder / name)
    for one in (folder, folder.parent, *folder.iterdir()):
        one.chmod(0o755 if one.is_dir() else 0o644)
    at = {"LOGPOND_LAKE": "s3://logs/ours", "LOGPOND_STORAGE_ENDPOINT": "http://somebodys:8333"}
    with Stack(BUCKET, "tests/compose/somebodys-bucket.yml", **at, **keys) as running:
        running("build", "streaming", "somebodys", timeout=1200)
        running("up", "--detach", "--wait", "somebodys", "producer", "streaming", timeout=900)
        yield running


@pytest.mark.compose
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_lake_is_there_and_nowhere_here(stack: Stack) -> None:
    """Rows come, `verify` is clean, `doctor` tries the bucket; what stays here is no table."""
    until(lambda: stack.count() > 0)
    assert "ok:" in stack.logpond("verify")
    assert "http://somebodys:8333" in stack.logpond("doctor")
    found = stack("exec", "-T", "streaming", "find", "/work", "-name", "*.parquet")
    assert found == ""
