"""The pages under load: work is admitted, ends with who asked, and nothing waits for Kafka."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from support.lakes import Lake
from support.pages import pages, server
from support.serving import connected, request
from support.sites import running

from analytics.look.status import Backlog
from analytics.web.lake.commands import MOST_ASKERS, Commands, Result, Run
from lakehouse.errors import TableError
from lakehouse.http.asker import ASKER, Asker, Busy, Gone
from lakehouse.runtime.kafka_connection import Connection

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake that a stream has written."""
    return running(tmp_path)


def children() -> list[psutil.Process]:
    """The commands that run for pages now; one may end while it is looked at."""
    found = psutil.process_iter(["cmdline"])
    ours = {one.pid for one in psutil.Process().children(recursive=True)}
    return [one for one in found if one.pid in ours and "diff" in (one.info["cmdline"] or ())]


@pytest.mark.slow
def test_a_command_for_nobody_is_killed(lake: Lake) -> None:
    """A hundred comparisons that were asked for and dropped leave a server that answers."""
    with server(lake) as at:
        for number in range(100):
            path = f"/api/diff/logs?before=0&after={number % 2 + 1}&x={number}"
            connected(at, request(path)).close()
        began = time.monotonic()
        assert httpx.get(f"{at}/healthz", timeout=PATIENCE_SECONDS).text == "ok\n"
        assert time.monotonic() - began < 10
        until = time.monotonic() + PATIENCE_SECONDS
        while children() or httpx.get(f"{at}/api/tables", timeout=PATIENCE_SECONDS).is_error:
            assert time.monotonic() < until
            time.sleep(0.05)
        found = httpx.get(f"{at}/api/diff/logs?before=0&after=1", timeout=PATIENCE_SECONDS)
        assert found.status_code == 200


class Slow(Commands):
    """Commands that go on until they are released."""

    release = threading.Event()

    def _result(self, run: Run, words: object) -> Result:
        while not (self.release.wait(0.01) or run.is_stopped):
            pass
        return super()._result(run, ["--version"])


@pytest.mark.slow
def test_so_many_may_wait_for_commands(lake: Lake) -> None:
    """One more is told to come again."""
    commands = Slow(lake.places)
    commands.release = threading.Event()
    with ThreadPoolExecutor(MOST_ASKERS) as askers:
        waiting = [askers.submit(commands.run, "diff", version=n) for n in range(MOST_ASKERS)]
        while commands._askers < MOST_ASKERS:
            time.sleep(0.01)
        with pytest.raises(Busy):
            commands.run("diff")
        commands.release.set()
        assert all(one.result(PATIENCE_SECONDS) for one in waiting)


def test_a_command_goes_on_while_one_waits(lake: Lake) -> None:
    """The last who leaves ends it; then it is known to nobody."""
    commands, asked = Slow(lake.places), [Asker(), Asker()]
    commands.release = threading.Event()

    def ask(one: Asker) -> None:
        ASKER.set(one)
        commands.run("diff")

    with ThreadPoolExecutor(2) as askers:
        waiting = [askers.submit(ask, one) for one in asked]
        while commands._askers < 2:
            time.sleep(0.01)
        asked[0].leave()
        assert isinstance(waiting[0].exception(PATIENCE_SECONDS), Gone)
        assert commands.known("diff") is not None
        asked[1].leave()
        assert isinstance(waiting[1].exception(PATIENCE_SECONDS), Gone)
    assert commands.known("diff") is None


@pytest.mark.slow
def test_what_a_command_refuses_is_no_fault_of_ours(lake: Lake) -> None:
    """A version that there is not is not found."""
    answer = pages(lake).get("/api/diff/logs?before=0&after=999")
    assert answer.status_code == 404
    assert TableError.exit_code == 4


def test_a_question_ends_with_who_asked(lake: Lake) -> None:
    """DuckDB is interrupted; its place is free at once."""
    one = Asker()
    watched = pages(lake).app.state.lake  # type: ignore[attr-defined]

    def ask() -> float:
        ASKER.set(one)
        began = time.monotonic()
        with pytest.raises(Exception, match="longer than it may"):
            watched.ask("SELECT count(*) FROM range(1000000) a, range(1000000) b", (), {})
        return time.monotonic() - began

    with ThreadPoolExecutor(1) as askers:
        asked = askers.submit(ask)
        time.sleep(0.5)
        one.leave()
        assert asked.result(PATIENCE_SECONDS) < 10


@pytest.mark.parametrize("path", ["/metrics", "/pipeline", "/api/pipeline", "/"])
def test_nothing_waits_for_kafka(lake: Lake, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it takes a minute to answer, the pages do not, the first time either."""
    monkeypatch.setattr("lakehouse.runtime.kafka.cluster_id", lambda *_: time.sleep(60))
    asked, began = pages(lake, connection=Connection("127.0.0.1:1")), time.monotonic()
    assert asked.get(path).status_code == 200
    assert time.monotonic() - began < 20
    waited = time.monotonic()
    assert asked.app.state.lag.backlog() == Backlog()  # type: ignore[attr-defined]
    assert time.monotonic() - waited < 0.5
