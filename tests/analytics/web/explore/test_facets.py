"""Facets and links of Explore: whatever a row holds is shown, and a link asks for all of it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from support.lakes import Lake
from support.pages import minutes, named, pages
from support.windows import Pond, logged

from analytics.web.explore import figures
from analytics.web.explore.figures import BARS, MORE_VALUES

pytestmark = pytest.mark.slow


def explore(lake: Lake, **query: Any) -> dict[str, Any]:
    """What the API tells."""
    answer = pages(lake).get("/api/explore", params={"last": "all", **query})
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def ids(told: dict[str, Any]) -> list[str]:
    """The events of the page of rows."""
    return [row["event_id"] for row in told["part"]["rows"]]


def facet(told: dict[str, Any], name: str) -> dict[str, int]:
    """Rows by value of a facet."""
    return {value["name"]: value["rows"] for value in told["found"]["facets"][name]}


def shown(lake: Lake, **query: Any) -> str:
    """The page."""
    return pages(lake).get("/explore", params={"last": "all", **query}).raise_for_status().text


def entry(page: str, begin: str) -> str:
    """The entry of a facet whose name begins so."""
    return next(one for one in re.findall(r"<li>.*?</li>", page) if f">{begin}" in one)


def followed(lake: Lake, page: str, begin: str) -> list[str]:
    """The events behind the link of an entry."""
    (link,) = re.findall(r'href="([^"]+)"', entry(page, begin))
    return ids(pages(lake).get("/api" + html.unescape(link)).raise_for_status().json())


def terms(page: str) -> list[str]:
    """What the rows of a page can be narrowed by."""
    return [html.unescape(one) for one in re.findall(r'data-term="([^"]*)"', page)]


@pytest.mark.slow
def test_an_attribute_without_a_name_is_one_like_any_other(lake: Lake) -> None:
    """It is shown, counted, and asked for by its quoted key."""
    Pond(lake).arrive(named(["a", "b"], attributes=[{"": "x", "k": "y"}, None]))
    page = shown(lake, facet='attributes.""', show='attributes.""', by='attributes.""')
    assert 'attributes."":x' in terms(page)
    assert followed(lake, page, "x<") == ["a"]
    assert '<h2 class="named">attributes.&#34;&#34;' in page
    assert facet(explore(lake, facet='attributes.""'), "attributes.") == {"(none)": 1, "x": 1}
    assert ids(explore(lake, query='-attributes."":*')) == ["b"]


def test_a_value_that_cannot_be_asked_for_has_no_link(lake: Lake) -> None:
    """It is shown all the same, beside those that can."""
    nul, long = "n\x00ul", "x" * 5000
    Pond(lake).arrive(named(["a", "b", "c"], host=[nul, long, "y"], service=[nul, long, "y"]))
    page = shown(lake, facet="host")
    for begin in ("n\\x00ul", "xxxx"):
        assert "href" not in entry(page, begin)
        assert "more characters" not in entry(page, begin)
    assert followed(lake, page, "y<") == ["c"]
    assert not [term for term in terms(page) if "xxx" in term or "\x00" in term]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["service", "host", "attributes.k"])
def test_a_link_carries_the_whole_value(lake: Lake, name: str) -> None:
    """Also of one that is shown in part, beside another that begins as it does."""
    long = ["x" * 400 + end for end in "ab"]
    attributes = [{"k": value} for value in long]
    Pond(lake).arrive(named(["a", "b"], host=long, service=long, attributes=attributes))
    page = shown(lake, facet="host attributes.k")
    column = name.partition(".")[0]
    assert {f"{name}:{value}" for value in long} <= {*terms(page)}
    section = re.split(f"<h2[^>]*>{name}", page)[1].split("</section>")[0]
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', section)]
    found = [ids(pages(lake).get("/api" + link).json()) for link in links]
    assert sorted(found) == [["a"], ["b"]], column


@pytest.mark.parametrize("name", ["level", "service", "endpoint"])
def test_a_usual_facet_that_is_asked_for_too_is_as_ever(lake: Lake, name: str) -> None:
    """Its own values do not narrow its counts."""
    Pond(lake).arrive(named(["a", "b"], level=["INFO", "WARN"], service=["x", "y"]))
    asked = {"level": "INFO", "service": "x"}
    assert explore(lake, facet=name, **asked) == explore(lake, **asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["timestamp", "date", "status_code", "is_bot", "response_time"])
def test_a_value_of_any_kind_of_field_is_asked_for(lake: Lake, name: str) -> None:
    """By its link: times, numbers, yes and no."""
    times, kinds = minutes(2), {"status_code": [200, 404], "is_bot": [True, False]}
    Pond(lake).arrive(logged(times, event_id=["a", "b"], response_time=[0.00001, 1.5], **kinds))
    page = shown(lake, facet=name)
    section = re.split(f"<h2[^>]*>{name}", page)[1].split("</section>")[0]
    found = [
        ids(pages(lake).get("/api" + html.unescape(link)).raise_for_status().json())
        for link in re.findall(r'href="([^"]+)"', section)
    ]
    assert sorted(found) == ([["b", "a"]] if name == "date" else [["a"], ["b"]])


@pytest.mark.parametrize("name", ["facet", "show", "by"])
def test_a_fault_of_a_choice_is_shown_at_it(lake: Lake, name: str) -> None:
    """With its place in what was chosen, not in the query."""
    Pond(lake).arrive(named(["a"]))
    asked = {name: "host:web", "query": "service:shop", "last": "all"}
    told = pages(lake).get("/api/explore", params=asked).json()
    assert (told["parameter"], told["start"], told["end"]) == (name, 0, 8)
    answer = pages(lake).get("/explore", params=asked)
    query, choice = answer.text.split('<details class="choice"')[:2]
    assert answer.status_code == 400
    assert "host:web\n^^^^^^^^" in choice
    assert "^^" not in query


def test_bars_are_bounded(lake: Lake) -> None:
    """However long the time is; each row is in one."""
    Pond(lake).arrive(named(["a", "b"]))
    told = explore(lake, **{"from": "0001-01-02", "to": "9999-12-30"})["found"]
    assert len(told["times"]) <= BARS + 1
    assert sum(told["counts"]) == 2


def test_values_are_bounded(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the most rows, and whatever is chosen; all rows count."""
    monkeypatch.setattr(figures, "MOST_READ", 250)
    names = [f"e{n:04}" for n in range(400)]
    Pond(lake).arrive(logged(minutes(401), endpoint=[*names, "e0399"]))
    told = explore(lake, endpoint="e0000")
    found = facet(told, "endpoint")
    assert (len(found), found["e0000"], found["e0399"]) == (MORE_VALUES, 1, 2)
    assert explore(lake)["found"]["rows"] == 401


def test_a_row_says_where_a_term_is_added(lake: Lake) -> None:
    """To the query as it is asked now, by the server."""
    Pond(lake).arrive(named(["a", "b"], service=["x", "y"]))
    page = shown(lake, query="service:x OR service:y", before="")
    (base,) = re.findall(r'data-narrow="([^"]+)"', page)
    asked = html.unescape(base) + "&add=-service:x"
    assert ids(pages(lake).get("/api" + asked).json()) == ["b"]
    assert 'value="(service:x OR service:y) -service:x"' in pages(lake).get(asked).text
