"""Home: figures of now, with their last hours."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, SCRIPT, hostile, minutes, pages, tags
from support.sites import app
from support.windows import Pond, at, logged

from lakehouse.tables.rollups import MINUTES

pytestmark = pytest.mark.slow

CODES = [200] * 8 + [404, 500]


def home(lake: Lake, query: str = "") -> dict[str, Any]:
    """What the API tells."""
    found: dict[str, Any] = pages(lake).get(f"/api/home{query}").raise_for_status().json()
    return found


def figure(told: dict[str, Any], name: str) -> dict[str, Any]:
    """One of its figures."""
    return next(one for one in told["figures"] if one["name"] == name)


@pytest.fixture
def busy(lake: Lake) -> Lake:
    """Half an hour: ten requests a minute, two of them errors, each of 100 ms."""
    pond = Pond(lake)
    pond.arrive(logged(minutes(31, each=10), status_code=CODES * 31, response_time=100.0))
    return lake


def test_now_is_the_last_five_whole_minutes(busy: Lake) -> None:
    """Requests a second, errors by requests, latency within the width of a bucket."""
    told = home(busy)
    assert figure(told, "rate")["value"] == pytest.approx(50 / 300)
    assert figure(told, "errors")["value"] == pytest.approx(0.2)
    assert figure(told, "latency")["value"] == pytest.approx(100, rel=0.01)


def test_the_last_hours_are_told_in_points(busy: Lake) -> None:
    """A point a minute for an hour; before the first event there was no request."""
    told = home(busy, "?hours=1")
    series = figure(told, "rate")["series"]
    assert len(series) == len(told["times"]) == 60
    assert series[:30] == [0.0] * 30
    assert series[30:] == pytest.approx([10 / 60] * 30)


def test_services_are_counted(lake: Lake) -> None:
    """The busiest first."""
    pond = Pond(lake)
    pond.arrive(logged(minutes(10), service="small"))
    pond.arrive(logged(minutes(10, each=3), service="large", status_code=503))
    told = [(s["name"], s["requests"], s["server_errors"]) for s in home(lake)["services"]]
    assert told == [("large", 27, 27), ("small", 9, 0)]


def test_closed_and_open_minutes_tell_the_same(busy: Lake) -> None:
    """Home reads minutes as they are stored, and counts those that are not closed."""
    counted = home(busy)
    Pond(busy, batch=9).close(at(20), [MINUTES])
    stored = home(busy)
    for name in ("rate", "errors", "latency"):
        assert figure(stored, name) == figure(counted, name)
    assert stored["services"] == counted["services"]


def test_home_as_of_a_version_is_home_as_it_was(lake: Lake) -> None:
    """With the rows of then, and the time of then as now."""
    pond = Pond(lake)
    pond.arrive(logged(minutes(10), service="old"))
    before = home(lake)["version"]
    pond.arrive(logged(minutes(10, start=10), service="new"))
    told = home(lake, f"?as_of={before}")
    assert [service["name"] for service in told["services"]] == ["old"]


@pytest.mark.parametrize(
    ("as_of", "status"), [("9999", 404), ("1999-01-01", 404), ("12:99", 400), ("-3", 400)]
)
def test_a_moment_that_is_not_there_is_told(busy: Lake, as_of: str, status: int) -> None:
    """With what to do, on the page too."""
    asked = pages(busy)
    found = asked.get("/api/home", params={"as_of": as_of})
    assert (found.status_code, bool(found.json()["remedy"])) == (status, True)
    assert asked.get("/", params={"as_of": as_of}).status_code == status


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    """No error: there is nothing yet."""
    found = pages(lake).get("/")
    assert found.status_code == 200
    assert "logpond up" in found.text


def test_a_stream_that_stopped_shows(busy: Lake) -> None:
    """Freshness is bad, and says of when the newest event is."""
    told = figure(home(busy), "freshness")
    assert (told["state"], "00:30:00" in told["note"]) == ("bad", True)


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_names_out_of_logs_are_inert(lake: Lake, text: str) -> None:
    """They are text on the page, and no element comes of them."""
    Pond(lake).arrive(hostile(text))
    Pond(lake, batch=1).arrive(logged(minutes(3, start=1), service="shop"))
    found = pages(lake).get("/").text
    plain = pages(lake).get("/", params={"as_of": "0"})
    assert SCRIPT not in found
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert plain.status_code == 200
    assert not {"img"} & set(tags(found.split("<main")[1]))


def test_a_part_is_the_live_block_alone(busy: Lake) -> None:
    """What the page fetches when something changed."""
    found = pages(busy).get("/?part=live").text
    assert "Events a second" in found
    assert "<html" not in found


@pytest.mark.slow
def test_a_lake_without_requests_shows_lines_and_patterns(tmp_path: Path) -> None:
    """Lines and errors a second by service, no latency; what its newest lines say, as links."""
    asked = pages(app(tmp_path))
    page = asked.get("/").raise_for_status().text
    assert ("Lines</th>" in page, "Latency" in page) == (True, False)
    (checkout, *_) = asked.get("/api/home/patterns").raise_for_status().json()
    assert (checkout["service"], checkout["pattern"]) == ("mailer", "order <*> taken")
    part = asked.get("/?part=patterns").text
    assert "order &lt;*&gt; taken</a>" in part
    (link, *_) = re.findall(r'href="(/explore[^"]*mailer[^"]*)"', part)
    assert asked.get("/api" + html.unescape(link)).json()["found"]["rows"] == checkout["lines"]


def test_a_lake_without_messages_shows_no_patterns(busy: Lake) -> None:
    """Nothing is said of what is not there."""
    assert "Newest patterns" not in pages(busy).get("/?part=patterns").text


@pytest.mark.parametrize("text", ["n\x00ul", "x" * 900, '"\\', "OR"])
def test_a_pattern_leads_to_its_lines(lake: Lake, text: str) -> None:
    """Whatever is in it: of what no query can ask for there is nothing in its link."""
    Pond(lake).arrive(logged(minutes(2), message=[f"{text} failed", None], service=[text, "a"]))
    asked = pages(lake)
    (one,) = asked.get("/api/home/patterns").raise_for_status().json()
    found = asked.get("/api/explore", params={"query": one["query"], "last": "all"})
    assert found.raise_for_status().json()["found"]["rows"] == 1
