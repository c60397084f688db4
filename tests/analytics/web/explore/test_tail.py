"""Live tail and live parts: what is new is told once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from support.lakes import Lake
from support.pages import SCRIPT, named, pages, server
from support.windows import Pond

from analytics.web.explore.filters import Filters
from analytics.web.explore.parameters import EVER
from analytics.web.explore.tail import Tail
from analytics.web.lake.lake import Lake as Watched
from lakehouse.maintenance import rewrite
from lakehouse.runtime.processes import free_port
from lakehouse.settings import Http
from lakehouse.tables.catalog import LOGS


def tail(lake: Lake, after: str | None = None, **values: list[str]) -> Tail:
    """A tail of a lake that looks anew each time."""
    return Tail.of(Watched(lake.places, refresh_seconds=0), Filters(*EVER, values), after)


def ids(found: Tail) -> list[str]:
    """The events that came since the last look."""
    return [row["event_id"] for row in found.rows()]


def test_only_rows_that_come_are_told_and_once(lake: Lake) -> None:
    """Newest first; what was there before is on the page already."""
    pond = Pond(lake)
    pond.arrive(named(["before"]))
    follow = tail(lake)
    pond.arrive(named(["a"]))
    pond.arrive(named(["b", "c"]))
    assert sorted(ids(follow)) == ["a", "b", "c"]
    assert ids(follow) == []


def test_rows_that_were_not_chosen_are_left_out(lake: Lake) -> None:
    """A tail has the facets of its view."""
    pond = Pond(lake)
    pond.arrive(named(["before"]))
    follow = tail(lake, service=["media"])
    pond.arrive(named(["a", "b"], service=["shop", "media"]))
    assert ids(follow) == ["b"]


def test_rows_that_only_move_are_not_new(lake: Lake) -> None:
    """OPTIMIZE rewrites files."""
    pond = Pond(lake)
    for name in ("a", "b"):
        pond.arrive(named([name]))
    follow = tail(lake)
    rewrite(lake.places, LOGS.name, (("date", "2026-04-29"), ("hour", "0")))
    assert follow.lake.newest(LOGS.name).version > follow.version  # type: ignore[union-attr]
    assert ids(follow) == []


def test_a_browser_that_comes_back_misses_nothing(lake: Lake) -> None:
    """It names the version that it saw last."""
    pond = Pond(lake)
    pond.arrive(named(["seen"]))
    seen = tail(lake).version
    pond.arrive(named(["missed"]))
    assert ids(tail(lake, after=str(seen))) == ["missed"]


@pytest.mark.slow
def test_rows_come_over_the_wire_escaped(lake: Lake) -> None:
    """As events of HTML, with the version as their id."""
    pond = Pond(lake)
    pond.arrive(named(["before"]))
    with server(lake) as at, httpx.stream("GET", f"{at}/explore/tail", timeout=10) as events:
        lines = events.iter_lines()
        assert next(lines) == "event: hello"
        pond.arrive(named(["new"], path=SCRIPT))
        seen = []
        for line in lines:
            seen.append(line)
            if line.startswith("id:") and "event: rows" in seen:
                break
    assert "id: 2" in seen
    assert any("&lt;script&gt;" in line for line in seen)
    assert not any(SCRIPT in line for line in seen)


@pytest.mark.slow
def test_a_page_is_told_of_a_change(lake: Lake) -> None:
    """Once there is a newer version of what it shows."""
    pond = Pond(lake)
    pond.arrive(named(["before"]))
    with server(lake) as at, httpx.stream("GET", f"{at}/live", timeout=10) as events:
        lines = events.iter_lines()
        assert next(lines) == "event: hello"
        pond.arrive(named(["new"]))
        assert next(line for line in lines if line == "event: changed")


def test_more_followers_than_may_are_told_so(lake: Lake) -> None:
    """One place: the second is refused while the first is there, and served once it has gone."""
    Pond(lake).arrive(named(["a"]))
    with server(lake, http=Http(streams=1)) as at:
        with httpx.stream("GET", f"{at}/live", timeout=10) as first:
            lines = first.iter_lines()
            assert next(lines) == "event: hello"
            refused = httpx.get(f"{at}/explore/tail", timeout=10)
        with following(f"{at}/explore/tail", again=429) as then:
            assert (refused.status_code, next(then)) == (429, "event: hello")


def test_a_page_of_the_past_follows_nothing(lake: Lake) -> None:
    """What was does not change."""
    Pond(lake).arrive(named(["a"]))
    version = pages(lake).get("/api/explore?last=all").json()["version"]
    for path in ("/", "/explore"):
        found = pages(lake).get(path, params={"as_of": version, "last": "all", "tail": "1"}).text
        assert "data-live" not in found
        assert "data-tail" not in found


@pytest.mark.slow
def test_a_server_that_is_stopped_ends_though_somebody_follows(lake: Lake) -> None:
    """Ctrl-C is no fault: it says nothing and ends with 0."""
    Pond(lake).arrive(named(["a"]))
    port = free_port()
    command = [sys.executable, "-m", "cli", "web", "--lake", lake.places.lake, "--port", str(port)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.stdout
    assert f":{port}/" in run.stdout.readline()
    with following(f"http://127.0.0.1:{port}/live") as lines:
        assert next(lines) == "event: hello"
        run.send_signal(signal.SIGINT)
        assert (run.communicate(timeout=30)[0], run.returncode) == ("", 0)


@contextmanager
def following(address: str, again: int = 0) -> Iterator[Iterator[str]]:
    """The lines of a stream of events, once the server answers, and not with `again`."""
    while True:
        with suppress(httpx.ConnectError), httpx.stream("GET", address, timeout=30) as events:
            if events.status_code == again:
                continue
            yield events.iter_lines()
            return
