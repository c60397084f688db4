"""The context of a row: what the same user, address, host or service did around it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, hostile, pages, tags
from support.windows import Pond, at, logged

pytestmark = pytest.mark.slow

ASKED = {"id": "this", "at": "2026-04-29T00:10:00.000001Z"}


def context(lake: Lake, **query: str) -> dict[str, Any]:
    """What the API tells."""
    told: dict[str, Any] = (
        pages(lake).get("/api/explore/context", params={**ASKED, **query}).raise_for_status().json()
    )
    return told


def ids(told: dict[str, Any]) -> list[str]:
    """The events, as they are shown."""
    return [one["row"]["event_id"] for one in told["lines"]]


@pytest.fixture
def visited(lake: Lake) -> Lake:
    """Ann from two addresses, Bob between, on two hosts, within six minutes."""
    seconds = [-200, -60, -5, 0, 10, 61]
    Pond(lake).arrive(
        logged(
            [at(10) + timedelta(seconds=s, microseconds=1) for s in seconds],
            event_id=["long", "before", "bob", "this", "after", "later"],
            user=["ann", "ann", "bob", "ann", "Ann", "ann"],
            ip=["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"],
            host=["h1", "h1", "h1", None, "h2", "h2"],
            service=["a", "a", "b", "a", "b", "a"],
        )
    )
    return lake


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["before", "this", "after"]),
        ({"within": "10s"}, ["this", "after"]),
        ({"within": "5m"}, ["long", "before", "this", "after", "later"]),
        ({"same": "ip"}, ["bob", "this"]),
        ({"same": "service"}, ["before", "this"]),
        ({"same": "everything"}, ["before", "bob", "this", "after"]),
    ],
)
def test_rows_share_a_field_with_the_one(
    visited: Lake, query: dict[str, str], expected: list[str]
) -> None:
    """Oldest first, ends included, the one itself marked; Explore has the same by its link."""
    told = context(visited, **query)
    assert ids(told) == expected
    assert [one["row"]["event_id"] for one in told["lines"] if one["is_asked"]] == ["this"]
    span = {"from": told["first"], "to": told["end"], "query": told["query"]}
    found = pages(visited).get("/api/explore", params=span).raise_for_status().json()
    assert found["found"]["rows"] == len(expected)


def test_offsets_are_from_the_row(visited: Lake) -> None:
    """Before it they are below zero."""
    assert [one["offset_ms"] for one in context(visited)["lines"]] == [-60_000, 0, 10_000]


def test_the_page_offers_what_the_row_has(visited: Lake) -> None:
    """A host it has not, so the service; the row is marked for those who do not see it."""
    html = pages(visited).get("/explore/context", params=ASKED).raise_for_status().text
    head = html.split('<details class="log', 1)[0]
    assert 'same user: <span class="mono">ann</span>' in head
    assert "same service" in head
    assert "same host" not in head
    assert html.count('<details class="log" aria-current="true">') == 1
    refused = pages(visited).get("/explore/context", params={**ASKED, "same": "host"})
    assert (refused.status_code, "has no host" in refused.text) == (400, True)


def test_the_nearest_rows_are_shown_of_many(lake: Lake) -> None:
    """Three hundred, the row itself always among them."""
    times = [at(10) + timedelta(milliseconds=n) for n in range(-400, 401)]
    Pond(lake).arrive(logged(times, event_id=[f"e{n}" for n in range(-400, 401)], user="ann"))
    told = context(lake, id="e0", at="2026-04-29T00:10:00Z")
    offsets = [one["offset_ms"] for one in told["lines"]]
    assert (len(offsets), told["is_cut"]) == (300, True)
    assert (offsets[0], offsets[-1]) in ((-150.0, 149.0), (-149.0, 150.0))
    assert (
        "there are more"
        in pages(lake)
        .get("/explore/context", params={"id": "e0", "at": "2026-04-29T00:10:00Z"})
        .text
    )


def test_a_context_is_as_it_was(visited: Lake) -> None:
    """Rows that came later are not in an earlier version; of one that came later there is none."""
    version = str(context(visited)["version"])
    new = logged([at(10)], event_id=["new"], user=["ann"])
    Pond(visited, batch=1).arrive(new)
    assert "new" in ids(context(visited))
    assert "new" not in ids(context(visited, as_of=version))
    asked = {"id": "new", "at": "2026-04-29T00:10:00Z", "as_of": version}
    assert pages(visited).get("/api/explore/context", params=asked).status_code == 404


@pytest.mark.parametrize(
    "query", [{"same": "path"}, {"within": "2d"}, {"at": ""}, {"at": "x"}, {"id": "x" * 501}]
)
def test_what_means_nothing_is_refused_in_words(visited: Lake, query: dict[str, str]) -> None:
    """With what to write instead."""
    answer = pages(visited).get("/api/explore/context", params={**ASKED, **query})
    assert (answer.status_code, bool(answer.json()["remedy"])) == (400, True)


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_every_field_is_inert(lake: Lake, text: str) -> None:
    """Whatever its rows hold, the page has the elements that it has without."""
    pond, found = Pond(lake), []
    for each in ("harmless", text):
        pond.arrive(hostile(each))
        query = {"id": each, "at": "2026-04-29T00:00:00Z", "same": "user"}
        answer = pages(lake).get("/explore/context", params=query)
        found.append(answer.raise_for_status().text)
    assert sorted(set(tags(found[0]))) == sorted(set(tags(found[1])))
    assert "\x1b" not in found[1]
