"""Names of versions on the page and by the API: who may give them, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, pages
from support.sites import running, vacuumed

from analytics.web.base.access import Access
from lakehouse.http.tokens import READ, WRITE, Token, Tokens
from lakehouse.store.tags.tags import Tags

pytestmark = pytest.mark.slow

API, FORM = "/api/tags/logs", "/travel/tags"
NAMED = {"name": "before-deploy", "version": "1", "note": "release 1.4"}


@pytest.fixture
def two(tmp_path: Any) -> Lake:
    """Two batches: five records and four."""
    return running(tmp_path)


def holding(lake: Lake, scope: str) -> Access:
    """Who has a token of this scope may ask."""
    return Access(Tokens(lake.places.tokens, [Token.of("ann", scope, "only-a-secret")]))


def names(lake: Lake) -> list[str]:
    """The names that versions have."""
    return [tag.name for tag in Tags(lake.places).all()]


def test_a_form_names_a_version_and_leads_there(two: Lake) -> None:
    """The page shows it, and a form takes it away."""
    asked = pages(two)
    answer = asked.post(FORM, data={"table": "logs", **NAMED})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/travel?table=logs&version=1#names"
    html = asked.get("/travel").text
    assert "before-deploy" in html
    assert "release 1.4" in html
    asked.post(FORM, data={"table": "logs", "name": "before-deploy", "away": "1"})
    assert names(two) == []


def test_a_name_stands_where_a_version_does(two: Lake) -> None:
    """In the page's address, in `as_of` of all pages, and in the API."""
    asked = pages(two)
    made = asked.post(API, json=NAMED).raise_for_status().json()
    assert (made["version"], made["name"], made["note"]) == (1, "before-deploy", "release 1.4")
    assert asked.get(API).json() == [made]
    assert (
        'at version <span data-field="version">1<'
        in asked.get("/travel?version=before-deploy").text
    )
    assert asked.get("/api/versions/logs/before-deploy").json()["rows"] == 4
    tables = asked.get("/api/tables?as_of=before-deploy").json()["tables"]
    assert {one["name"]: one["version"] for one in tables}["logs"] == 1
    assert asked.get("/explore?as_of=before-deploy").status_code == 200
    newest = asked.get("/api/versions/logs?newest=before-deploy&limit=1").json()
    assert [one["version"] for one in newest] == [1]
    assert asked.delete(f"{API}/before-deploy").json() == made
    assert asked.get("/api/tables?as_of=before-deploy").status_code == 404


@pytest.mark.slow
def test_a_named_version_outlives_a_vacuum(two: Lake) -> None:
    """It is named in time, and its pages are there after it."""
    asked = pages(two)
    vacuumed(two)
    assert asked.post(API, json={**NAMED, "version": "3"}).status_code == 200
    assert asked.post(API, json={**NAMED, "name": "gone"}).status_code == 404
    assert asked.get("/travel?version=before-deploy").status_code == 200


@pytest.mark.parametrize("path", [FORM, API])
def test_who_may_only_read_names_nothing(two: Lake, path: str) -> None:
    """It is said which scope it takes; the page says so too, and has no form."""
    asked = pages(two, access=holding(two, READ))
    bearer = {"authorization": "Bearer only-a-secret"}
    answer = asked.post(path, json=NAMED, headers=bearer)
    assert (answer.status_code, "--scope write" in answer.text) == (403, True)
    assert asked.delete(f"{API}/x", headers=bearer).status_code == 403
    assert asked.post(path, json=NAMED).status_code == 401
    html = asked.get("/travel", headers=bearer).text
    assert ("Name it" in html, "--scope write" in html) == (False, True)
    assert names(two) == []


def test_the_name_of_the_token_is_kept(two: Lake) -> None:
    """Nobody writes in another's name."""
    asked = pages(two, access=holding(two, WRITE))
    bearer = {"authorization": "Bearer only-a-secret"}
    assert asked.post(API, json=NAMED, headers=bearer).json()["who"] == "ann"


def test_the_past_gets_no_names(two: Lake) -> None:
    """A page of then cannot change what is now."""
    assert pages(two).post(f"{API}?as_of=1", json=NAMED).status_code == 400
    assert names(two) == []


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_hostile_name_is_none(two: Lake, text: str) -> None:
    """By form, API and address: refused in words, and nothing is kept; a note is text."""
    asked = pages(two)
    for answer in (
        asked.post(API, json={"name": text}),
        asked.post(FORM, data={"table": "logs", "name": text}),
        asked.get("/travel", params={"version": text}),
        asked.get("/api/tables", params={"as_of": text}),
    ):
        assert answer.status_code in (400, 404)
        assert "<script>alert" not in answer.text or "api" in str(answer.url)
    assert asked.post(FORM, data={"table": text, "name": "x"}).status_code == 404
    assert names(two) == []
    asked.post(API, json={**NAMED, "note": text})
    assert "<script>alert" not in asked.get("/travel").text
