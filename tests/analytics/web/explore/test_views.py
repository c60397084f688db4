"""Saved views: filters of Explore under a name, who may keep them, and where they lead."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, named, pages, tags
from support.windows import Pond

from analytics.web.base.access import Access
from lakehouse.erasure.places import views
from lakehouse.erasure.request import Request
from lakehouse.http.tokens import READ, WRITE, Token, Tokens

pytestmark = pytest.mark.slow

EXPLORE = "last=all&service=shop&status=5xx&query=user:ann&add=ip:*&show=host&before=1.0.0"
KEPT = {
    "service": ["shop"],
    "status": ["5xx"],
    "query": ["user:ann ip:*"],
    "last": ["all"],
    "show": ["host"],
}


@pytest.fixture
def visited(lake: Lake) -> Lake:
    """Two rows."""
    Pond(lake).arrive(named(["a", "b"], service=["shop", "media"]))
    return lake


def keep(asked: Any, name: str, text: str) -> Any:
    """The answer to a form that keeps this address under a name."""
    return asked.post("/explore/views", data={"name": name, "q": text})


def test_what_explore_shows_is_kept_and_loaded(visited: Lake) -> None:
    """By way of the form that its page has; a page of rows and a moment are no part of it."""
    asked = pages(visited)
    text = asked.get(f"/explore/views?{EXPLORE}").raise_for_status().text
    hidden = re.search(r'name="q" value="([^"]+)"', text)
    assert hidden
    answer = keep(asked, "my view", html.unescape(hidden[1]))
    assert answer.status_code == 303
    (one,) = pages(visited).get("/api/explore/views").json()
    assert (one["name"], one["values"]) == ("my view", KEPT)
    assert one["who"]
    there = asked.get("/explore/view?name=my%20view&as_of=-1s")
    assert there.status_code == 303
    assert there.headers["location"] == answer.headers["location"].replace("?", "?as_of=-1s&")
    listed = asked.get("/explore/views").text
    assert "/explore/view?name=my+view" in listed
    link = re.search(r'href="([^"]+)">my view<', listed)
    assert link
    assert html.unescape(link[1]) == answer.headers["location"]
    assert asked.get(answer.headers["location"]).status_code == 200


def test_a_name_has_one_view_and_can_be_deleted(visited: Lake) -> None:
    """The same name again replaces it; of a name that is none it is said so."""
    asked = pages(visited)
    for service in ("shop", "media"):
        assert keep(asked, "x", f"/explore?service={service}").status_code == 303
    assert [one["values"] for one in asked.get("/api/explore/views").json()] == [
        {"service": ["media"]}
    ]
    assert asked.post("/explore/views", data={"name": "x", "delete": "1"}).status_code == 303
    assert asked.get("/api/explore/views").json() == []
    assert asked.post("/explore/views", data={"name": "x", "delete": "1"}).status_code == 404
    assert asked.get("/explore/view?name=x").status_code == 404


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "service=shop"),
        ("x" * 81, "service=shop"),
        ("x", ""),
        ("x", "token=secret&before=1.0.0&as_of=3"),
        ("x", f"service={'s' * 5000}"),
        ("x", "&".join(["service=s"] * 300)),
    ],
)
def test_what_is_no_view_is_refused(visited: Lake, name: str, text: str) -> None:
    """In words, and nothing is kept."""
    asked = pages(visited)
    assert keep(asked, name, text).status_code == 400
    assert asked.get("/api/explore/views").json() == []


def test_views_are_bounded_in_number(visited: Lake) -> None:
    """A page that lists them stays one; a view that is there can still be replaced."""
    asked = pages(visited)
    for number in range(100):
        assert keep(asked, f"{number}", "service=shop").status_code == 303
    assert keep(asked, "more", "service=shop").status_code == 400
    assert keep(asked, "99", "service=media").status_code == 303


def test_what_others_have_put_there_leads_nowhere_else(visited: Lake) -> None:
    """An object that is no view is left out, and what is no part of one, too."""
    asked = pages(visited)
    keep(asked, "x", "service=shop")
    (file,) = Path(visited.places.views).iterdir()
    odd = json.loads(file.read_bytes())
    odd["statement"] = '{"service": ["shop"], "token": ["t"], "//evil.example": ["x"]}'
    file.write_text(json.dumps(odd))
    (file.parent / "broken.json").write_text("{")
    (file.parent / "other.json").write_text(json.dumps({**odd, "statement": "SELECT 1"}))
    assert asked.get("/explore/view?name=x").headers["location"] == "/explore?service=shop"
    assert len(asked.get("/api/explore/views").json()) == 1


def test_who_may_write_may_keep(visited: Lake) -> None:
    """Who may read may load; another site may make a browser keep nothing."""
    given = [Token.of("reads", READ, "r" * 20), Token.of("acts", WRITE, "w" * 20)]
    asked = pages(visited, access=Access(Tokens(visited.places.tokens, given)))
    reads, acts = ({"authorization": f"Bearer {of * 20}"} for of in "rw")
    form = {"name": "x", "q": "service=shop"}
    assert asked.post("/explore/views", data=form).status_code == 401
    assert asked.post("/explore/views", data=form, headers=reads).status_code == 403
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert asked.post("/explore/views", data=form, headers={**acts, **foreign}).status_code == 403
    assert asked.post("/explore/views", data=form, headers=acts).status_code == 303
    assert asked.get("/explore/view?name=x", headers=reads).status_code == 303
    assert "Keep what" not in asked.get("/explore/views?service=x", headers=reads).text
    assert "Keep what" in asked.get("/explore/views?service=x", headers=acts).text


def test_erasing_a_user_takes_the_name_out_of_views(visited: Lake) -> None:
    """A view stays, asks for `[erased]`, and can be deleted by the name that it has then."""
    asked = pages(visited)
    keep(asked, "of ann lee", 'query=user:"ann lee" OR user:annabel&last=7d')
    request = Request(users=("ann lee",))
    assert views(visited.places, request, True) == 1
    assert "ann lee" in asked.get("/api/explore/views").text
    assert views(visited.places, request, False) == 1
    (one,) = asked.get("/api/explore/views").json()
    assert one["values"] == {"query": ['user:"[erased]" OR user:annabel'], "last": ["7d"]}
    assert one["name"] == "of [erased]"
    assert views(visited.places, request, False) == 0
    gone = asked.post("/explore/views", data={"name": "of [erased]", "delete": "1"})
    assert (gone.status_code, asked.get("/api/explore/views").json()) == (303, [])


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_naughty_view_is_inert(visited: Lake, text: str) -> None:
    """In its name and in what it asks for."""
    asked, found = pages(visited), []
    for each in ("harmless", text):
        for one in asked.get("/api/explore/views").json():
            asked.post("/explore/views", data={"name": one["name"], "delete": "1"})
        # a name that cannot be printed is refused
        name = each if each.isprintable() else "printable"
        assert keep(asked, name, urlencode({"query": each})).status_code == 303
        found.append(asked.get("/explore/views", params={"query": each}).text)
    assert sorted(set(tags(found[0]))) == sorted(set(tags(found[1])))
    assert "\x1b" not in found[1]
