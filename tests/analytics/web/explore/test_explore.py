"""Explore: rows by time, facets and text, each once, and nothing that is asked becomes SQL."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, hostile, minutes, named, pages, tags
from support.windows import Pond, at, logged

from analytics.web.explore import rows
from analytics.web.explore.filters import Filters
from analytics.web.lake.lake import Lake as WebLake

pytestmark = pytest.mark.slow

PARAMETERS = (
    "service",
    "endpoint",
    "status",
    "level",
    "bot",
    "q",
    "last",
    "from",
    "to",
    "before",
    "as_of",
    "query",
    "facet",
    "show",
    "by",
    "add",
)
INJECTED = (
    "'",
    "') OR 1=1 --",
    "1; DROP TABLE logs",
    "x' UNION SELECT * FROM logs --",
    "$text",
    "%' OR '1'='1",
    "read_parquet('/etc/passwd')",
    "\x00",
)


def explore(lake: Lake, **query: Any) -> dict[str, Any]:
    """What the API tells."""
    asked = {"last": "all", **query}
    found = pages(lake).get("/api/explore", params=asked)
    told: dict[str, Any] = found.raise_for_status().json()
    return told


def ids(told: dict[str, Any]) -> list[str]:
    """The events of the page of rows."""
    return [row["event_id"] for row in told["part"]["rows"]]


def facet(told: dict[str, Any], name: str) -> dict[str, int]:
    """Rows by value of a facet."""
    return {value["name"]: value["rows"] for value in told["found"]["facets"][name]}


@pytest.fixture
def mixed(lake: Lake) -> Lake:
    """Four rows, a minute apart, that differ in everything that can be chosen."""
    Pond(lake).arrive(
        named(
            ["a", "b", "c", "d"],
            service=["shop", "shop", "media", "media"],
            endpoint=["/", "/x", "/", "/y"],
            status_code=[200, 404, 500, 503],
            level=["INFO", "WARN", "ERROR", None],
            is_bot=[True, False, None, False],
            path=["/?q=Boots", "/x", "/", "/y"],
            trace_id=["t-1", "t-2", "t-3", "t-4"],
        )
    )
    return lake


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "dcba"),
        ({"service": "shop"}, "ba"),
        ({"service": ["shop", "media"]}, "dcba"),
        ({"endpoint": "/"}, "ca"),
        ({"status": "5xx"}, "dc"),
        ({"status": ["404", "503"]}, "db"),
        ({"status": ["404", "5xx"]}, "dcb"),
        ({"level": ["INFO", "ERROR"]}, "ca"),
        ({"level": ""}, "dcba"),
        ({"level": "(none)"}, "d"),
        ({"bot": "yes"}, "a"),
        ({"bot": "unknown"}, "c"),
        ({"q": "bOOts"}, "a"),
        ({"q": "t-3"}, "c"),
        ({"q": "t-"}, ""),
        ({"service": "media", "status": "5xx", "bot": "no"}, "d"),
        ({"from": "2026-04-29T00:01:00", "to": "2026-04-29T00:03:00Z"}, "cb"),
        ({"from": "2026-04-29T00:03:00"}, "d"),
        ({"last": "61s"}, "dc"),
        ({"query": "service:media -status:503"}, "c"),
        ({"query": "level:>=warn"}, "cb"),
        ({"query": "-level:*"}, "d"),
        ({"query": '"q=boots" OR t-3'}, "ca"),
        ({"query": "status:5xx", "q": "t-3"}, "c"),
        ({"q": "service:shop"}, ""),
        ({"query": "status:200 OR status:404", "q": "t-1"}, "a"),
        ({"query": "status:200 OR status:404", "add": "-service:media"}, "ba"),
        ({"query": "service:shop", "add": "status:200 OR status:503"}, "a"),
        ({"query": "date:>-36525d"}, "dcba"),
    ],
)
def test_rows_are_chosen(mixed: Lake, query: dict[str, Any], expected: str) -> None:
    """Newest first; several values of a facet are any of them, several facets are all of them."""
    told = explore(mixed, **query)
    assert ids(told) == [*expected]
    assert told["found"]["rows"] == sum(told["found"]["counts"]) == len(expected)


def test_a_facet_counts_what_the_others_leave(mixed: Lake) -> None:
    """So that its other values can be seen and chosen."""
    told = explore(mixed, service="media")
    assert facet(told, "service") == {"media": 2, "shop": 2}
    assert facet(told, "endpoint") == {"/": 1, "/y": 1}
    assert facet(told, "status") == {"5xx": 2, "500": 1, "503": 1}


def test_a_chosen_value_without_rows_can_be_unchosen(mixed: Lake) -> None:
    """It stays among the values, with none."""
    assert facet(explore(mixed, service="gone"), "service")["gone"] == 0


def test_errors_are_in_the_histogram(mixed: Lake) -> None:
    """Bar by bar, never more than the rows."""
    found = explore(mixed)["found"]
    assert (found["rows"], found["errors"]) == (4, 3)
    assert all(e <= n for e, n in zip(found["error_counts"], found["counts"], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0, 1, 40])
def test_pages_show_each_row_once(lake: Lake, spread: int) -> None:
    """Also where a thousand rows are of one instant, and commits overlap."""
    pond, times = Pond(lake), [at(0) + timedelta(seconds=spread * (n % 37)) for n in range(333)]
    names = [[f"e-{commit}-{n}" for n in range(333)] for commit in range(3)]
    for commit in range(3):
        pond.arrive(logged(times, event_id=names[commit]))
    seen, cursor = [], ""
    while cursor is not None:
        told = explore(lake, before=cursor)
        seen += ids(told)
        cursor = told["part"]["next"]
    assert len(seen) == 999
    assert set(seen) == {name for some in names for name in some}


def test_rows_of_a_page_are_in_order(lake: Lake) -> None:
    """By time, newest first."""
    Pond(lake).arrive(logged(minutes(300)))
    times = [row["timestamp"] for row in explore(lake)["part"]["rows"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == 100


def test_a_view_as_of_a_version_is_as_it_was(mixed: Lake) -> None:
    """Rows that came later are not in it."""
    version = explore(mixed)["version"]
    Pond(mixed, batch=1).arrive(named(["later"]))
    assert "later" in ids(explore(mixed))
    assert "later" not in ids(explore(mixed, as_of=str(version)))


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_what_is_asked_is_never_sql(mixed: Lake, parameter: str) -> None:
    """It is a value that no row has, or is refused in words; and nothing more is shown."""
    client = pages(mixed)
    for text in INJECTED:
        found = client.get("/api/explore", params={"last": "all", parameter: text})
        assert found.status_code in (200, 400, 404, 422)
        if found.status_code == 200:
            assert ids(found.json()) == []
        else:
            assert found.json()["error"]
            assert "Parser" not in found.text
            assert "Binder" not in found.text


@pytest.mark.parametrize(
    "query",
    [
        {"status": "6xx"},
        {"status": "abc"},
        {"last": "soon"},
        {"last": "0m"},
        {"from": "x"},
        {"before": "1.2"},
        {"before": "9" * 40 + ".0.0"},
        {"from": "2026-05-02", "to": "2026-05-01"},
        {"to": "0001-01-01", "last": "7d"},
    ],
)
def test_what_means_nothing_is_refused_in_words(mixed: Lake, query: dict[str, str]) -> None:
    """With what to write instead."""
    found = pages(mixed).get("/api/explore", params=query)
    assert (found.status_code, bool(found.json()["remedy"])) == (400, True)


@pytest.mark.parametrize("query", [{"q": "x" * 201}, {"service": ["s"] * 51}])
def test_what_is_too_long_is_refused(mixed: Lake, query: dict[str, Any]) -> None:
    """Before anything is read."""
    assert pages(mixed).get("/explore", params=query).status_code == 400


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_every_field_is_inert(lake: Lake, text: str) -> None:
    """Whatever a row holds, and a link repeats, the page has the elements that it has without."""
    pond = Pond(lake)
    pond.arrive(hostile("harmless"))
    query = {"last": "all", "service": "harmless"}
    harmless = pages(lake).get("/explore", params=query).text
    pond.arrive(hostile(text))
    naughty = pages(lake).get("/explore", params={"last": "all", "service": text}).text
    assert sorted(set(tags(naughty))) == sorted(set(tags(harmless)))
    assert "\x1b" not in naughty
    assert "\u202e" not in naughty


def test_csv_has_the_rows_of_the_view(mixed: Lake) -> None:
    """All columns, newest first."""
    found = pages(mixed).get("/explore.csv", params={"last": "all", "status": "5xx"})
    rows = [*csv.DictReader(io.StringIO(found.text))]
    assert [(row["event_id"], row["status_code"]) for row in rows] == [("d", "503"), ("c", "500")]
    assert "attachment" in found.headers["content-disposition"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1+1"])
def test_csv_is_no_formula(lake: Lake, text: str) -> None:
    """A spreadsheet that opens it computes nothing."""
    Pond(lake).arrive(named(["e"], path=text))
    (row,) = csv.DictReader(io.StringIO(pages(lake).get("/explore.csv?last=all").text, newline=""))
    assert row["path"] == f"'{text}"


def test_a_very_long_value_is_cut_on_the_page(lake: Lake) -> None:
    """One row cannot make the page unreadable; CSV has all of it."""
    Pond(lake).arrive(named(["e"], path="x" * 500_000))
    asked = pages(lake)
    assert len(asked.get("/explore?last=all").text) < 50_000
    assert "x" * 500_000 in asked.get("/explore.csv?last=all").text


def test_a_download_holds_few_long_rows_at_once(lake: Lake) -> None:
    """Pages are bounded by bytes or rows, and all rows are in them, once."""
    long = 400_000
    Pond(lake).arrive(named([f"s{n}" for n in range(300)]))
    Pond(lake, batch=1).arrive(named([f"l{n}" for n in range(60)], path="x" * long))
    snapshot = WebLake(lake.places).at()
    logs = snapshot.need("logs")
    times = logs.oldest("timestamp"), logs.newest("timestamp") + timedelta(seconds=1)
    taken = [*rows.parts(snapshot, Filters(*times), 100_000, 5000)]

    assert len({row["event_id"] for rows in taken for row in rows}) == 360
    letters = [sum(len(row["path"] or "") for row in rows) for rows in taken]
    assert max(letters) <= rows.PAGE_BYTES


def test_a_pinned_link_shows_the_same_for_good(mixed: Lake) -> None:
    """Time and version are in it."""
    link = re.search(r'href="([^"]+)"[^>]*>Pin<', pages(mixed).get("/explore?last=all").text)
    assert link
    Pond(mixed, batch=1).arrive(named(["later"]))
    found = pages(mixed).get("/api" + html.unescape(link[1])).json()
    assert "later" not in ids(found)
    assert found["found"]["rows"] == 4


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    """On the page in words, for programs as an error."""
    asked = pages(lake)
    assert "logpond up" in asked.get("/explore").text
    assert asked.get("/api/explore").status_code == 404


def test_a_view_without_rows_says_what_to_do(mixed: Lake) -> None:
    """It leads to a longer time, and to a new start."""
    assert "start anew" in pages(mixed).get("/explore?service=none").text
