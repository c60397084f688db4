"""`logpond up`: one command, and what was sent is proven to be in the lake."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support.serving import until_answered

from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS, QUARANTINE


def start(lake: Path, *words: str) -> subprocess.Popen[str]:
    """`logpond up` as a process of its own, without a terminal."""
    environment = {**os.environ, "LOGPOND_SPARK_UI_PORT": "0"}
    command = [sys.executable, "-m", "cli", "up", "--lake", str(lake), *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def wait_for(run: subprocess.Popen[str], wanted: str) -> str:
    """What it says up to a line that matches."""
    assert run.stdout
    said = ""
    for line in run.stdout:
        said += line
        if re.search(wanted, line):
            return said
    raise AssertionError(f"it ended without {wanted}:\n{said}")


def rows(lake: Path) -> int:
    """Rows of both tables."""
    places = Places(str(lake), f"{lake}/_checkpoints")
    return sum(store.open_table(places, table).count() for table in (LOGS, QUARANTINE))


def acked(said: str) -> int:
    """The producer's total in the summary."""
    found = re.search(r"^sent +([\d,]+) acked", said, re.MULTILINE)
    assert found, said
    return int(found[1].replace(",", ""))


@pytest.mark.nightly
@pytest.mark.broker
@pytest.mark.spark
def test_all_that_was_sent_is_in_the_lake(tmp_path: Path) -> None:
    """A run of set length drains, verifies and exits with 0; the lake holds what was acked."""
    run = start(tmp_path, "--duration", "15", "--backfill", "10m", "--rate", "200")
    said, _ = run.communicate(timeout=240)
    assert run.returncode == 0, said
    assert "verify    ok" in said
    assert rows(tmp_path) == acked(said) > 15 * 60


@pytest.mark.broker
@pytest.mark.spark
def test_ctrl_c_drains_and_verifies(tmp_path: Path) -> None:
    """Ctrl-C loses nothing, and leaves no process behind."""
    run = start(tmp_path, "--rate", "300")
    wait_for(run, r"live .* batch \d")
    broker = json.loads((tmp_path / "_broker" / "broker.pid").read_text())["child"][0]
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    assert (run.returncode, rows(tmp_path)) == (0, acked(said)), said
    assert not Path(f"/proc/{broker}").exists()


@pytest.mark.nightly
@pytest.mark.broker
@pytest.mark.spark
def test_the_pages_are_served_meanwhile(tmp_path: Path) -> None:
    """At the address of the table that it prints, until it ends."""
    run = start(tmp_path, "--rate", "300")
    said = wait_for(run, r"^Kafka  ")
    page = re.search(r"^page +(http://\S+)", said, re.MULTILINE)
    assert page, said
    answered = until_answered(f"{page[1]}healthz")
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=120)
    assert answered == "ok\n"
    with pytest.raises(httpx.ConnectError):
        httpx.get(page[1])


@pytest.mark.nightly
@pytest.mark.broker
@pytest.mark.spark
def test_what_the_gateway_takes_is_in_the_lake(tmp_path: Path) -> None:
    """A record that is acknowledged while it runs is a row at its end, as its source says."""
    run = start(tmp_path, "--rate", "10")
    said = wait_for(run, r"^Kafka  ")
    found = re.search(r"^gateway +(http://\S+)", said, re.MULTILINE)
    assert found, said
    until_answered(f"{found[1]}healthz")
    taken = httpx.post(f"{found[1]}ingest/cart", content=b'{"message":"paid"}', timeout=60).json()
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    assert (run.returncode, taken["taken"]) == (0, 1), said
    columns = ["service", "message", "_source", "time_from"]
    logs = store.open_table(Places(str(tmp_path), f"{tmp_path}/_checkpoints"), LOGS)
    rows = logs.to_pyarrow_table(columns=columns).to_pylist()
    assert [row for row in rows if row["_source"] == "gateway"] == [
        {"service": "cart", "message": "paid", "_source": "gateway", "time_from": "broker"}
    ]


@pytest.mark.nightly
@pytest.mark.broker
@pytest.mark.spark
def test_second_signal_leaves_the_rest_for_the_next_start(tmp_path: Path) -> None:
    """Ctrl-C twice ends at once with 130; the next run takes over what waited in Kafka."""
    first = start(tmp_path, "--rate", "0")
    wait_for(first, r"acked [1-9]")
    for _ in range(2):
        first.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said, _ = first.communicate(timeout=60)
    second = start(tmp_path, "--rate", "10", "--duration", "1")
    said_later, _ = second.communicate(timeout=240)
    assert (first.returncode, second.returncode) == (130, 0), said + said_later
    assert rows(tmp_path) >= acked(said) + acked(said_later)


@pytest.mark.nightly
@pytest.mark.broker
@pytest.mark.spark
@pytest.mark.faults
def test_crashed_broker_is_reported(tmp_path: Path) -> None:
    """When Kafka dies, all else stops, and its end is told with the broker's exit code."""
    run = start(tmp_path, "--rate", "300")
    wait_for(run, r"live .* batch \d")
    os.kill(json.loads((tmp_path / "_broker" / "broker.pid").read_text())["child"][0], 9)
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 5, said
    assert "Kafka ended by itself (exit code -9)" in said


@pytest.mark.slow
def test_bad_flag_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """An incident that does not exist is words and exit code 2; no Kafka is started for it."""
    run = start(tmp_path, "--incident", "nope@+1s:2s")
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "names: brute-force" in said
    assert not (tmp_path / "_broker").exists()
