"""What a request from elsewhere gets, and what a browser may do with an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.lakes import Lake
from support.pages import SECRET, guarded, pages

from analytics.web import app
from analytics.web.base.access import ASKED

pytestmark = pytest.mark.slow

PATHS = ("/", "/explore", "/api/home", "/nowhere", "/static/style.css", "/healthz", "/metrics")
JUDGED = (
    "/",
    "/explore",
    "/api/home",
    "/metrics",
    "/explore.csv",
    "/live",
    "/ingest/live",
    "/login",
)
TEMPLATES = sorted(Path(app.__file__).parent.rglob("*.html"))
VISIT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1:8000"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/static/style.css"])
def test_a_foreign_name_that_leads_here_is_refused(lake: Lake, name: str, path: str) -> None:
    """A page of others cannot read this one by giving our address a name of its own."""
    assert pages(lake).get(path, headers={"host": name}).status_code == 421


def test_a_foreign_name_is_refused_with_the_token_too(lake: Lake) -> None:
    """The list counts whoever asks."""
    headers = {"authorization": f"Bearer {SECRET}", "host": "logs.example.org"}
    assert pages(lake, access=guarded(lake)).get("/", headers=headers).status_code == 421
    named = pages(lake, access=guarded(lake), hosts="logs.example.org, web")
    assert named.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine_are_served(lake: Lake, name: str) -> None:
    """With a port or without."""
    assert pages(lake).get("/healthz", headers={"host": name}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
    ],
)
@pytest.mark.parametrize("path", JUDGED)
def test_another_site_makes_a_browser_ask_in_vain(
    lake: Lake, path: str, headers: dict[str, str]
) -> None:
    """By whatever means, also by one on another port of this machine."""
    assert pages(lake).get(path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/explore", 200),
        ("/api/home", 403),
        ("/explore.csv", 403),
        ("/travel?part=difference", 403),
    ],
)
def test_a_link_of_another_site_leads_to_pages_only(lake: Lake, path: str, status: int) -> None:
    """A person may follow one out of a chat; nothing that takes long is begun by it."""
    assert pages(lake).get(path, headers=VISIT).status_code == status


def test_our_own_scripts_and_programs_may_ask(lake: Lake) -> None:
    """A browser says same-origin, a program nothing."""
    own = {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1"}
    assert pages(lake).get("/api/tables", headers=own).status_code == 200
    assert pages(lake).get("/api/tables").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_a_strict_policy(lake: Lake, path: str) -> None:
    """Nothing from elsewhere, nothing inline, in no frame."""
    policy = pages(lake).get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_no_template_needs_more(template: Path) -> None:
    """No script, style or handler stands in it, and no value goes around the escaping."""
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|\|\s*safe\b", text)


def test_a_reader_can_change_nothing(lake: Lake) -> None:
    """Whatever is no question is refused to its token; `verify` and SQL read, and write nothing."""
    asked = pages(lake, access=guarded(lake))
    headers = {"authorization": f"Bearer {SECRET}"}
    paths = asked.get("/api/openapi.json", headers=headers).json()["paths"]
    changing = [(m, path) for path, known in paths.items() for m in known if m != "get"]
    refused = [one for one in changing if one[1] not in ASKED]
    assert refused
    assert {asked.request(m, path, headers=headers).status_code for m, path in refused} == {403}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/explore", "/api/home", "/metrics"])
def test_other_methods_are_refused(lake: Lake, method: str, path: str) -> None:
    """In words, as any other mistake."""
    assert pages(lake).request(method, path).status_code == 405
