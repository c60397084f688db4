"""A trace as a page: its events across services, in order, and where it can be seen elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, hostile, pages, tags
from support.windows import Pond, at, logged

pytestmark = pytest.mark.slow

JAEGER = "https://jaeger.example/trace/{trace_id}?from=logpond"
ASKED = {"id": "t-1", "at": "2026-04-29T00:10:00Z"}


def trace(lake: Lake, **query: str) -> dict[str, Any]:
    """What the API tells."""
    told: dict[str, Any] = (
        pages(lake).get("/api/explore/trace", params={**ASKED, **query}).raise_for_status().json()
    )
    return told


@pytest.fixture
def traced(lake: Lake) -> Lake:
    """A request through three services, written by each as it answers; another; one hours later."""
    ms = [300, 100, 250, 280, 400]
    Pond(lake).arrive(
        logged(
            [at(10) + timedelta(milliseconds=each) for each in ms] + [at(200)],
            event_id=["web", "cart", "line", "pay", "other", "late"],
            service=["web", "cart", "pay", "pay", "web", "batch"],
            trace_id=["t-1", "T-1", "t-1", "t-1", "t-2", "t-1"],
            response_time=[300.0, 50.0, None, 160.0, 5.0, None],
            status_code=[502, 200, None, 500, 200, None],
            severity_number=[None, None, 9, None, None, None],
        )
    )
    return lake


def test_events_of_all_services_are_in_order(traced: Lake) -> None:
    """With offsets from the first, whoever wrote the id in capitals; others are not among them."""
    told = trace(traced)
    shown = [(one["row"]["event_id"], one["offset_ms"]) for one in told["events"]]
    assert shown == [("cart", 0.0), ("line", 150.0), ("pay", 180.0), ("web", 200.0)]
    counts = {one["service"]: (one["events"], one["errors"]) for one in told["services"]}
    assert counts == {"pay": (2, 1), "cart": (1, 0), "web": (1, 1)}
    colors = {one["service"]: one["color"] for one in told["services"]}
    assert all(colors[e["row"]["service"]] == e["color"] for e in told["events"])


def test_bars_nest_as_calls_do(traced: Lake) -> None:
    """They end at the event's time, as programs write it then; a link has them begin there."""
    told = trace(traced)
    bars = {one["row"]["event_id"]: (one["left"], one["width"]) for one in told["events"]}
    assert told["length_ms"] == 300
    assert bars["web"] == (0.0, 1000.0)
    assert bars["cart"] == pytest.approx((50 / 0.3, 50 / 0.3), abs=0.01)
    assert bars["line"][1] == 0
    begun = trace(traced, bars="begin")
    assert begun["length_ms"] == 500
    assert begun["events"][0]["left"] == 0


def test_a_time_bounds_what_is_looked_at(traced: Lake) -> None:
    """A quarter of an hour to both sides, or more by choice; without a time all of it."""
    names = [one["row"]["event_id"] for one in trace(traced, within="24h")["events"]]
    assert names[-1] == "late"
    assert len(trace(traced, at="")["events"]) == 5
    assert trace(traced, at="2026-04-29T02:00:00Z", within="1h")["events"] == []


def test_a_trace_is_as_it_was(traced: Lake) -> None:
    """Events that came later are not in an earlier version."""
    version = str(trace(traced)["version"])
    Pond(traced, batch=1).arrive(logged([at(10)], event_id=["new"], trace_id=["t-1"]))
    assert len(trace(traced)["events"]) == 5
    assert len(trace(traced, as_of=version)["events"]) == 4
    html = pages(traced).get("/explore/trace", params={**ASKED, "as_of": version}).text
    assert html.count('<details class="log') == 4
    assert f"as_of={version}" in html


def test_a_long_trace_is_cut_and_counted(lake: Lake) -> None:
    """The first 500 events are shown; the services have the counts of all."""
    times = [at(10) + timedelta(milliseconds=n) for n in range(501)]
    services = [f"s{n % 7}" for n in range(501)]
    Pond(lake).arrive(logged(times, trace_id="t-1", service=services))
    told = trace(lake)
    assert (len(told["events"]), told["is_cut"]) == (500, True)
    assert sum(one["events"] for one in told["services"]) == 501
    assert "the first 500 are shown" in pages(lake).get("/explore/trace", params=ASKED).text


@pytest.mark.parametrize(
    "query",
    [
        {"id": ""},
        {"id": "\x00"},
        {"id": "x" * 501},
        {"at": "soon"},
        {"within": "9d"},
        {"bars": "middle"},
    ],
)
def test_what_means_nothing_is_refused_in_words(traced: Lake, query: dict[str, str]) -> None:
    """And a time at the end of all times is one like others."""
    asked = pages(traced)
    answer = asked.get("/api/explore/trace", params={**ASKED, **query})
    assert (answer.status_code, bool(answer.json()["remedy"])) == (400, True)
    for far in ("0001-01-01", "9999-12-31"):
        told = asked.get("/api/explore/trace", params={**ASKED, "at": far, "within": "7d"})
        assert told.raise_for_status().json()["events"] == []


def test_a_row_leads_to_its_trace_here_and_elsewhere(traced: Lake) -> None:
    """Where a setting says so; the id is encoded, and the other site learns nothing of ours."""
    Pond(traced, batch=1).arrive(logged([at(210)], trace_id=['a/b"?&<é>']))
    asked = pages(traced, trace_url=JAEGER)
    html = asked.get("/explore?last=1m").text
    link = re.search(r'<a href="(https:[^"]+)" rel="noopener noreferrer">trace in (.*?)<', html)
    assert link
    encoded = "a%2Fb%22%3F%26%3C%C3%A9%3E"
    assert link.groups() == (
        f"https://jaeger.example/trace/{encoded}?from=logpond",
        "jaeger.example",
    )
    inside = re.search(r'href="(/explore/trace[^"]+)"', html)
    assert inside
    assert "<h1>Trace" in asked.get(inside[1].replace("&amp;", "&")).raise_for_status().text
    assert "noopener" not in pages(traced).get("/explore?last=1m").text


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_every_field_is_inert(lake: Lake, text: str) -> None:
    """Whatever its events hold, the page has the elements that it has without."""
    pond, found = Pond(lake), []
    for each in ("harmless", text):
        pond.arrive(hostile(each))
        asked = pages(lake, trace_url=JAEGER)
        found.append(asked.get("/explore/trace", params={"id": each}).text)
    assert sorted(set(tags(found[0]))) == sorted(set(tags(found[1])))
    assert "\x1b" not in found[1]


@pytest.mark.parametrize("path", ["/explore/trace?id=t", "/explore/context?id=e"])
def test_an_empty_lake_says_how_to_fill_it(lake: Lake, path: str) -> None:
    """As Explore does."""
    asked = pages(lake)
    assert "logpond up" in asked.get(path).raise_for_status().text
    assert asked.get(f"/api{path}&at=2026-04-29").status_code == 404
