"""One process at a time, and looks at it that disturb nobody."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lakehouse.errors import CheckpointError, LeaseError
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.store.lock import Holding, alone, holder, is_held

pytestmark = pytest.mark.slow

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ALLOW_HTTP": "true",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_REGION": "us-east-1",
}


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    """And says what runs."""
    place = str(tmp_path / "ledger")
    with alone(place, "the stream"), pytest.raises(CheckpointError, match="the stream runs"):  # noqa: SIM117
        with alone(place, "the stream"):
            pass


def test_a_look_tells_while_it_is_held(tmp_path: Path) -> None:
    """Before, meanwhile and after; a place that is not there is free, and is not made."""
    place = tmp_path / "ledger"
    before, made = is_held(str(place)), place.exists()
    with alone(str(place), "it"):
        during = is_held(str(place))
    assert (before, made, during, is_held(str(place))) == (False, False, True, False)


def test_who_holds_it_is_said(tmp_path: Path) -> None:
    """Host, process, program and since when: by a look, and to who is refused."""
    place, me = str(tmp_path / "ledger"), f"process {os.getpid()} on {socket.gethostname()}, since"
    with alone(place, "it"):
        seen = holder(place)
        with pytest.raises(CheckpointError, match=re.escape(me)), alone(place, "it"):
            pass
    assert (seen.is_held, me in str(seen.by)) == (True, True)
    assert holder(place) == Holding(False)


def test_epochs_rise_from_holder_to_holder(tmp_path: Path) -> None:
    """Each knows whether the one before released it."""
    held = []
    for _ in range(3):
        with alone(str(tmp_path), "it") as lease:
            held.append((lease.record.epoch, lease.is_after_clean))
    assert held == [(1, True), (2, True), (3, True)]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"x" * 100_000, b'{"epoch": 1e99}', b"[]"])
def test_garbage_in_a_lock_stops_nobody(tmp_path: Path, content: bytes) -> None:
    """It is then unknown whether who held it before is done."""
    (tmp_path / "lock").write_bytes(content)
    with alone(str(tmp_path), "it") as lease:
        assert (lease.record.epoch, lease.is_after_clean) == (1, False)
        assert holder(str(tmp_path)).by


def test_a_holder_that_was_killed_left_it_unclean(tmp_path: Path) -> None:
    """The lock is free at once, and the epoch counts on."""
    holds = (
        "import os, signal; from lakehouse.store.lock import alone\n"
        f"with alone({str(tmp_path)!r}, 'it'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", holds]).returncode == -signal.SIGKILL
    with alone(str(tmp_path), "it") as lease:
        assert (lease.record.epoch, lease.is_after_clean) == (2, False)


@pytest.mark.slow
def test_a_standby_waits_for_the_end(tmp_path: Path) -> None:
    """It says for whom, once."""
    place, said, taken = str(tmp_path), queue.Queue[str](), queue.Queue[int]()

    def wait() -> None:
        with alone(place, "it", standby=Standby(lambda: False, said.put)) as lease:
            taken.put(lease.record.epoch)

    with alone(place, "it"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert f"process {os.getpid()}" in said.get(timeout=30)
        assert taken.empty()
    assert taken.get(timeout=30) == 2
    waiting.join()
    assert said.empty()


def test_a_standby_does_not_wait_for_a_lock_that_was_deleted(tmp_path: Path) -> None:
    """Nobody else finds its file: the standby has the new one, and others are refused by it."""
    place, said, taken = str(tmp_path), queue.Queue[str](), queue.Queue[str]()
    leave = threading.Event()

    def wait(name: str) -> None:
        with alone(place, "it", standby=Standby(lambda: False, said.put)):
            taken.put(name)
            leave.wait(30)

    threads = [threading.Thread(target=wait, args=(name,)) for name in ("one", "two")]
    with alone(place, "it"):
        for each in threads:
            each.start()
            said.get(timeout=30)
        (tmp_path / "lock").unlink()
        first = taken.get(timeout=30)
        with pytest.raises(CheckpointError, match="runs already"), alone(place, "it"):
            pass
    # its end is not that of the new holder, for whom the other one waits
    time.sleep(1.2)
    assert taken.empty()
    leave.set()
    assert {first, taken.get(timeout=30)} == {"one", "two"}
    for each in threads:
        each.join()


def test_a_standby_can_be_stopped(tmp_path: Path) -> None:
    """Before it got anything."""
    standby = Standby(lambda: True, lambda _what: None)
    with alone(str(tmp_path), "it"), pytest.raises(StoppedWaiting):  # noqa: SIM117
        with alone(str(tmp_path), "it", standby=standby):
            pass


def test_what_was_released_confirms_nothing(tmp_path: Path) -> None:
    """A thread that is late must not write any more."""
    with alone(str(tmp_path), "it") as lease:
        lease.confirm()
    with pytest.raises(LeaseError):
        lease.confirm()


def test_a_bucket_that_does_not_answer_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is unknown whether it is held."""
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    assert is_held("s3://bucket/ledger") is None


def test_looks_do_not_refuse_a_start(tmp_path: Path) -> None:
    """A look holds the lock for an instant; a start waits that long, fifty times of fifty."""
    place, done, seen, held = str(tmp_path / "ledger"), threading.Event(), [], 0
    with alone(place, "it"):
        pass
    looking = threading.Thread(
        target=lambda: seen.extend(is_held(place) for _ in iter(done.is_set, True))
    )
    looking.start()
    try:
        for _ in range(50):
            with alone(place, "it"):
                held += 1
    finally:
        done.set()
        looking.join()
    assert (held, len(seen) > 0) == (50, True)
