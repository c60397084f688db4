"""`doctor` says what is wrong and what to do; its exit code says whether anything is."""

from __future__ import annotations

import json
import os
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.lakes import Lake

from cli.commands.doctor import doctor
from lakehouse.runtime import jars, rights

pytestmark = pytest.mark.slow


def examined(lake: Lake, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and each check by its name."""
    said = CliRunner().invoke(doctor, ["--lake", lake.places.lake, "--format", "json", *words])
    return said.exit_code, {one["check"]: one for one in json.loads(said.stdout)}


def test_a_lake_in_order_is_well(running: Lake) -> None:
    """Every check has been made, and none is bad."""
    code, found = examined(running)
    assert {name for name, one in found.items() if one["state"] == "bad"} == set()
    assert code == 0
    assert {"java", "jars", "packages", "disk", "memory", "kafka", "checkpoints", "lake"} <= {
        *found
    }


def test_a_lost_checkpoint_is_bad(running: Lake) -> None:
    """With the command that makes it anew."""
    shutil.rmtree(running.places.checkpoint("ingest"))
    code, found = examined(running)
    assert (code, found["checkpoints"]["state"]) == (1, "bad")
    assert "logpond recover ingest" in found["checkpoints"]["remedy"]


def test_a_checkpoint_of_another_table_is_bad(running: Lake) -> None:
    """Spark would refuse to go on with it."""
    folder = Path(running.places.checkpoint("windows"))
    offset = {"reservoirId": "another", "reservoirVersion": 3, "isStartingVersion": False}
    (folder / "offsets").mkdir(parents=True)
    (folder / "metadata").write_text('{"id":"q"}')
    (folder / "offsets" / "0").write_text(f"v1\n{{}}\n{json.dumps(offset)}")
    code, found = examined(running)
    assert (code, found["checkpoints"]["remedy"]) == (1, "`logpond recover windows`")


def test_jars_for_spark_alone_will_do(
    running: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image has no broker's, for Kafka is a container of its own."""
    for jar in jars.spark_jars():
        (tmp_path / jar.name).symlink_to(jar)
    monkeypatch.setenv("LOGPOND_JARS", str(tmp_path))
    code, found = examined(running)
    assert (code, found["jars"]["state"]) == (0, "note")


def test_missing_jars_are_bad(
    running: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what fetches them; the other checks are made all the same."""
    monkeypatch.setenv("LOGPOND_JARS", str(tmp_path / "none"))
    code, found = examined(running)
    assert (code, found["jars"]["state"], found["lake"]["state"]) == (1, "bad", "ok")
    assert "make setup" in found["jars"]["remedy"]


def test_no_java_is_bad(running: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How to install one is said."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    _, found = examined(running)
    assert found["java"]["state"] == "bad"
    assert "apt install" in found["java"]["found"]


def test_a_kafka_that_is_named_has_to_answer(running: Lake) -> None:
    """The default need not: `logpond up` brings its own."""
    assert examined(running, "--bootstrap", "127.0.0.1:1")[1]["kafka"]["state"] == "bad"


def test_settings_that_do_not_fit_are_all_that_is_said(
    running: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else can be checked by them."""
    monkeypatch.setenv("LOGPOND_KAFKA_PARTITIONS", "none")
    code, found = examined(running)
    assert (code, [*found]) == (1, ["settings"])


def test_an_empty_lake_is_no_fault(lake: Lake) -> None:
    """It says how to fill it."""
    _, found = examined(lake)
    assert (found["lake"]["state"], found["checkpoints"]["state"]) == ("note", "ok")
    assert "logpond up" in found["lake"]["remedy"]


@pytest.mark.parametrize(
    ("mode", "words", "remedy"),
    [
        (0o777, "everybody on this machine can read and change", "chmod -R go-rwx"),
        (0o755, "everybody on this machine can read", "chmod -R go-rwx"),
        (0o750, "its group can read", "chmod -R go-rwx"),
        (0o700, "nobody", ""),
    ],
)
def test_who_else_can_read_is_said(
    mode: int, words: str, remedy: str, running: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a lake that an earlier release made, or that somebody opened, with what mends it."""
    monkeypatch.setattr(rights, "_umasks", {})
    root = Path(running.places.lake)
    for place in (root, *(each for each in root.rglob("*") if each.is_dir())):
        place.chmod(mode)
    monkeypatch.setattr(rights, "reachable", rights.modes)  # folders of tests are shut
    before = os.umask(0o022)
    try:
        _, found = examined(running)
    finally:
        os.umask(before)
    assert found["access"]["found"].startswith(words)
    assert found["access"]["remedy"].strip("`").startswith(remedy)


def test_a_port_that_is_taken_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every program that `up` starts, the gateway too."""
    with ExitStack() as opened:
        for of in ("WEB", "GATEWAY", "SPARK_UI"):
            taken = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            monkeypatch.setenv(f"LOGPOND_{of}_PORT", str(taken.getsockname()[1]))
        found = examined(lake)[1]["ports"]
    assert all(f"({name})" in found["found"] for name in ("web", "gateway", "Spark UI"))
