"""Two times side by side: which endpoint got slower, and whether the figures are a recount's."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, hostile, pages, tags
from support.windows import Pond, at, logged

import logpond
from analytics.web.explore import compare
from lakehouse.store import open_table
from lakehouse.store.tags.naming import name_version

pytestmark = pytest.mark.slow

DEPLOY = 60
COUNT = 240


def rows(start: int, slow: float) -> list[dict[str, Any]]:
    """Four requests a minute for an hour: /b slower by a factor, /c not always timed."""
    return [
        {
            "timestamp": at(start) + timedelta(seconds=15 * n),
            "endpoint": f"/{'abc'[n % 3]}",
            "response_time": None if n % 6 == 5 else (n % 7 + 1) * (slow if n % 3 == 1 else 1.0),
            "status_code": 500 if slow > 1 and n % 12 == 0 else 200,
        }
        for n in range(COUNT)
    ]


def arrived(lake: Lake, found: list[dict[str, Any]], batch: int = 0, **columns: Any) -> None:
    """These rows in a commit."""
    times = [row["timestamp"] for row in found]
    own = {name: [row[name] for row in found] for name in found[0] if name != "timestamp"}
    Pond(lake, batch=batch).arrive(logged(times, **{**own, **columns}))


@pytest.fixture
def deployed(lake: Lake) -> Lake:
    """An hour before a version was named `deploy-42`, and an hour after, in which /b is slower."""
    arrived(lake, rows(0, 1.0))
    found = open_table(lake.places, "logs")
    name_version(lake.places, "logs", "deploy-42", found, "ann", "")
    arrived(lake, rows(DEPLOY, 5.0), batch=1)
    return lake


def compared(lake: Lake, **query: str) -> dict[str, Any]:
    """What the API tells."""
    answer = pages(lake).get("/api/explore/compare", params=query)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def recounted(found: list[dict[str, Any]], endpoint: str) -> dict[str, Any]:
    """The figures of an endpoint, by other means than the project's own SQL."""
    own = [row for row in found if row["endpoint"] == endpoint]
    took = [row["response_time"] for row in own if row["response_time"] is not None]
    errors = sum(row["status_code"] >= 400 for row in own)
    quantiles = {f"p{q}": float(np.percentile(took, q)) for q in (50, 95, 99)}
    rates = {"rows": len(own), "errors": errors, "error_rate": errors / len(own)}
    return {**rates, "timed": len(took), **quantiles}


def test_which_endpoint_got_slower_since_the_deploy(deployed: Lake) -> None:
    """The name of a version divides the times; each figure is that of a recount."""
    told = compared(deployed, against="deploy-42", last="1h")
    assert [one["name"] for one in told["changes"]] == ["/b", "/a", "/c"]
    for one in told["changes"]:
        for side, found in (("before", rows(0, 1.0)), ("after", rows(DEPLOY, 5.0))):
            assert one[side] == pytest.approx(recounted(found, one["name"]))
    slower = told["changes"][0]
    assert slower["delta"]["p95"]["ratio"] == pytest.approx(5)
    assert slower["delta"]["p95"]["difference"] == pytest.approx(4 * slower["before"]["p95"])
    assert (told["whole"]["before"]["rows"], told["whole"]["after"]["rows"]) == (COUNT, COUNT)
    assert sum(told["before"]["rows"]) == sum(told["after"]["rows"]) == COUNT


def test_quantiles_of_many_rows_are_near(deployed: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not held in memory all at once; counts stay exact, and the page says so."""
    monkeypatch.setattr(compare, "MOST_EXACT", COUNT)
    told = compared(deployed, against="deploy-42", last="1h")
    assert told["is_approximate"]
    exact = recounted(rows(DEPLOY, 5.0), "/b")
    assert told["changes"][0]["after"] == pytest.approx(exact, rel=0.05)
    assert told["changes"][0]["after"]["rows"] == exact["rows"]
    assert "percentiles are approximate" in pages(deployed).get("/explore/compare").text


def test_a_link_of_a_value_has_its_rows(deployed: Lake) -> None:
    """As many as the table says, of either time."""
    asked = pages(deployed)
    text = asked.get("/explore/compare", params={"against": "deploy-42", "last": "1h"}).text
    assert "What changed since deploy-42, by endpoint" in text
    links = re.findall(r'href="([^"]+)" aria-label="(earlier|later) rows of /b"', text)
    assert [side for _, side in links] == ["earlier", "later"]
    for link, _ in links:
        found = asked.get("/api" + html.unescape(link)).raise_for_status().json()["found"]
        assert found["rows"] == COUNT // 3


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ({"last": "30m"}, 120, 120),
        ({"last": "10m", "against": "1h"}, 40, 40),
        ({"last": "10m", "against": "7d"}, 0, 40),
        ({"last": "1h", "against": "2026-04-29T01:30:00Z"}, 119, 120),
        ({"last": "30m", "query": "status:500"}, 10, 10),
        ({"last": "2h", "endpoint": "/a", "against": "tag:deploy-42"}, 80, 80),
        ({"from": "2026-04-29T00:30:00", "to": "2026-04-29T00:45:00"}, 60, 60),
    ],
)
def test_two_times_are_of_one_length(
    deployed: Lake, query: dict[str, str], before: int, after: int
) -> None:
    """Right before, a while earlier, or to both sides of a moment as far as there are rows."""
    told = compared(deployed, **query)
    assert (told["whole"]["before"]["rows"], told["whole"]["after"]["rows"]) == (before, after)


def test_a_field_and_a_measure_are_by_choice(deployed: Lake) -> None:
    """Errors by status: the one that came is the first, and has nothing to be divided by."""
    query = {"against": "deploy-42", "last": "1h", "by": "status", "sort": "rows"}
    told = compared(deployed, **query)
    assert [one["name"] for one in told["changes"]] == ["200", "500"]
    came = told["changes"][1]
    assert (came["before"]["rows"], came["after"]["rows"], came["is_few"]) == (0, 20, True)
    assert came["delta"]["rows"] == {"difference": 20, "ratio": None}
    rates = compared(deployed, **{**query, "by": "endpoint", "sort": "error_rate"})
    assert rates["changes"][0]["name"] == "/a"


def test_few_rows_are_below_the_others(lake: Lake) -> None:
    """However much they changed: one slow request is chance."""
    found = rows(0, 1.0) + rows(DEPLOY, 2.0)
    found[10] |= {"endpoint": "/rare", "response_time": 1.0}
    found[-1] |= {"endpoint": "/rare", "response_time": 9000.0}
    arrived(lake, found)
    told = compared(lake, last="1h")
    names = [one["name"] for one in told["changes"]]
    assert (names[0], names[-1], len(names)) == ("/b", "/rare", 4)
    assert "few rows" in pages(lake).get("/explore/compare?last=1h").text


def test_logs_without_requests_are_compared_by_service(lake: Lake) -> None:
    """No endpoint, no status, no time to answer: rows, and the share of errors."""
    nothing = dict.fromkeys(("endpoint", "path", "method", "status_code", "response_time"))
    levels = [9] * 40 + [17] * 20 + [9] * 20
    times = [at(n) for n in range(80)]
    services = ["cart" if n % 2 else "mailer" for n in range(80)]
    Pond(lake).arrive(logged(times, service=services, severity_number=levels, **nothing))
    told = compared(lake, last="40m")
    assert (told["by"], told["sort"]) == ("service", "error_rate")
    assert {one["after"]["errors"] for one in told["changes"]} == {10}
    assert told["changes"][0]["delta"]["error_rate"] == {"difference": 0.5, "ratio": None}
    assert told["whole"]["after"]["p95"] is None
    text = pages(lake).get("/explore/compare?last=40m").text
    assert "percentile of latency" not in text
    assert "+50.00 points" in text


def test_a_comparison_is_as_it_was(deployed: Lake) -> None:
    """At the version of the name nothing has come since; after it there are the same rows."""
    version = str(compared(deployed, last="1h")["version"])
    arrived(deployed, rows(2 * DEPLOY, 1.0), batch=2)
    query = {"against": "deploy-42", "last": "1h", "as_of": version}
    assert compared(deployed, **query)["end"] == compared(deployed, **query, sort="rows")["end"]
    answer = pages(deployed).get("/api/explore/compare", params={**query, "as_of": "deploy-42"})
    assert (answer.status_code, "no event came since" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"against": "none-such"}, 404),
        ({"against": "incident:0"}, 404),
        ({"against": "0m"}, 400),
        ({"against": "2027-01-01"}, 400),
        ({"against": "1 parsec"}, 400),
        ({"against": "x" * 81}, 400),
        ({"sort": "beauty"}, 400),
        ({"query": "statux:5"}, 400),
        ({"by": "statux"}, 400),
        ({"last": "36525d", "from": "1980-01-01"}, 200),
        ({"from": "0001-01-01"}, 200),
    ],
)
def test_what_means_nothing_is_refused_in_words(
    deployed: Lake, query: dict[str, str], status: int
) -> None:
    """With what to do instead; the page is one all the same."""
    asked = pages(deployed)
    answer = asked.get("/api/explore/compare", params=query)
    assert (answer.status_code, bool(answer.json().get("error"))) == (status, status != 200)
    assert "<main" in asked.get("/explore/compare", params=query).text


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_every_name_is_inert(lake: Lake, text: str) -> None:
    """Whatever an endpoint is called, the page has the elements that it has without."""
    pond, found = Pond(lake), []
    for each in ("harmless", text):
        pond.arrive(hostile(each))
        query = {"service": each, "against": "1d"}
        found.append(pages(lake).get("/explore/compare", params=query).raise_for_status().text)
    assert sorted(set(tags(found[0]))) == sorted(set(tags(found[1])))
    assert "\x1b" not in found[1]


def test_page_sql_and_python_say_the_same(deployed: Lake) -> None:
    """Which endpoint got slower since the deploy: the 95th percentiles of both times."""
    told = compared(deployed, against="deploy-42", last="1h")
    statement = (
        "SELECT endpoint, quantile_cont(response_time, 0.95) AS p95 FROM logs "
        "WHERE timestamp >= '{}' AND timestamp < '{}' GROUP BY endpoint"
    )
    lake, asked = logpond.open(deployed.places.lake), pages(deployed)
    for side, first, end in (
        ("before", told["earlier_first"], told["earlier_end"]),
        ("after", told["first"], told["end"]),
    ):
        exact = {one["name"]: one[side]["p95"] for one in told["changes"]}
        asked_for = statement.format(first, end)
        assert {row["endpoint"]: row["p95"] for row in lake.sql(asked_for)} == exact
        answer = asked.post("/api/sql", json={"statement": asked_for}).raise_for_status().json()
        assert dict(answer["rows"]) == exact
