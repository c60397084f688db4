"""Who is erased beside a loaded stream, sometimes killed, is gone, and takes nobody else along."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support import produced
from support.messages import send
from support.personal import IP, USER, holding, payload
from support.streams import Once, environment, running, settings, stop, until

from cli.stack.broker import Broker
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark, pytest.mark.nightly]

EVERY = 40
WHO = ("--user", USER, "--ip", IP)
CHILD = Path(__file__).parents[2] / "support" / "erase_child.py"


def erase(asked: Settings) -> tuple[int, str]:
    """As a person calls it."""
    command = [sys.executable, "-m", "cli", "erase", *WHO, "--yes", "--lake", asked.lake]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(asked))
    return done.returncode, done.stdout + done.stderr


def erase_until(asked: Settings, step: str) -> int:
    """As a person calls it, killed at a step."""
    words = {"die_at": step, "lake": asked.lake, "users": [USER], "addresses": [IP]}
    env = {**environment(asked), "PYTHONPATH": f"{CHILD.parents[2]}:{CHILD.parents[1]}"}
    command = [sys.executable, str(CHILD), json.dumps(words)]
    return subprocess.run(command, env=env, stderr=subprocess.DEVNULL).returncode


@pytest.mark.timeout(900)
def test_erased_beside_a_loaded_stream(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased again and again while rows and the person's come: at last nothing holds the person."""
    monkeypatch.setenv("LOGPOND_WINDOWS_TRIGGER_SECONDS", "2")
    asked = settings(broker.bootstrap, topic.name, tmp_path / "lake", ingest_max_offsets=3000)
    sent, ended = list[int](), threading.Event()

    def person() -> None:
        while not ended.wait(0.5):
            of = [payload(f"{len(sent)}-{n}", n) for n in range(EVERY)]
            sent.append(send(asked.kafka.bootstrap, asked.kafka.topic, of))

    load = produced.start(
        *(broker.bootstrap, topic.name, tmp_path / "producer"), "--rate", "20", "--backfill", "30m"
    )
    with running(asked, "--trigger", "0.5") as stream:
        coming = threading.Thread(target=person)
        coming.start()
        until(stream, " batch 2 ")
        codes = [erase_until(asked, step) for step in ("noted", "quarantine", "log of logs")]
        while_it_comes = [erase(asked) for _ in range(2)]
        ended.set()
        coming.join()
        load.terminate()
        acked = produced.end(load).last["acked"]
        time.sleep(5)
        last = erase(asked)
        assert stream.poll() is None, stream.communicate()[0]
        code, said = stop(stream)
    once(asked)
    last = erase(asked)

    places = Places.of(asked)
    verdict = verify(places)
    assert last[0] == 0, f"{last[1]}\n{while_it_comes[0][1]}\n{while_it_comes[1][1]}"
    assert (code, holding(places)) == (0, []), said
    assert (verdict.ok, verdict.records + verdict.erased) == (True, sum(sent) + acked), verdict
    assert verdict.erased == sum(sent) // EVERY * 6, (verdict, codes)
    assert (verdict.windows_wrong, codes) == (0, [-9] * 3)
