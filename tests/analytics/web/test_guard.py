"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.pages import pages

from analytics.commands.web import web
from analytics.web import app
from analytics.web.base.guard import check_address
from lakehouse.errors import SettingsError

PATHS = ("/", "/explore", "/api/home", "/nowhere", "/static/style.css", "/healthz", "/metrics")
TEMPLATES = sorted((Path(app.__file__).parent / "templates").glob("*.html"))
HTML = {"accept": "text/html"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_of_others_wants_a_token(host: str) -> None:
    """Without one the server does not start."""
    with pytest.raises(SettingsError, match="LOGPOND_WEB_TOKEN"):
        check_address(host, "")


@pytest.mark.parametrize(("host", "token"), [("127.0.0.1", ""), ("::1", ""), ("0.0.0.0", "s")])
def test_an_address_of_our_own_or_a_token_is_enough(host: str, token: str) -> None:
    """Then it starts."""
    assert check_address(host, token) is None


def test_the_command_refuses_before_it_listens(lake: Lake) -> None:
    """In words, as any wrong setting."""
    found = CliRunner().invoke(web, ["--host", "0.0.0.0", "--lake", lake.places.lake])
    assert isinstance(found.exception, SettingsError)


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1:8000"])
def test_a_foreign_name_that_leads_here_is_refused(lake: Lake, name: str) -> None:
    """A page of others cannot read this one by giving our address a name of its own."""
    assert pages(lake).get("/", headers={"host": name}).status_code == 421


@pytest.mark.parametrize("name", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine_are_served(lake: Lake, name: str) -> None:
    """With a port or without."""
    assert pages(lake).get("/healthz", headers={"host": name}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/explore", "/api/home", "/metrics", "/explore.csv", "/live"]
)
def test_without_the_token_nothing_is_told(lake: Lake, path: str) -> None:
    """Neither on pages nor under /api, nor to who guesses."""
    asked = pages(lake, token="secret")
    assert asked.get(path).status_code == 401
    assert asked.get(path, headers={"authorization": "Bearer guess"}).status_code == 401
    assert asked.get(path, headers={"cookie": "logpond=secret"}).status_code == 401


def test_the_token_opens(lake: Lake) -> None:
    """As programs send it, from wherever they come."""
    headers = {"authorization": "Bearer secret", "host": "logs.example.org"}
    assert pages(lake, token="secret").get("/", headers=headers).status_code == 200


def test_a_person_is_asked_for_the_token(lake: Lake) -> None:
    """A browser is led to a form, and then has a cookie in which the token is not."""
    asked = pages(lake, token="secret")
    assert asked.get("/", headers=HTML).headers["location"] == "/login"
    given = asked.post("/login", content="token=secret")
    assert "secret" not in given.headers["set-cookie"]
    assert re.search("HttpOnly.*SameSite=strict", given.headers["set-cookie"])
    assert asked.get("/", headers=HTML).status_code == 200


def test_a_wrong_token_gets_no_cookie(lake: Lake) -> None:
    """And is told so."""
    given = pages(lake, token="secret").post("/login", content="token=guess")
    assert (given.status_code, "set-cookie" in given.headers) == (403, False)


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


def test_nothing_can_be_changed(lake: Lake) -> None:
    """All is read, but for the token; `verify` counts, and writes nothing."""
    paths = pages(lake).get("/api/openapi.json").json()["paths"]
    methods = {(m, path) for path, known in paths.items() for m in known}
    assert {m for m, path in methods if path != "/api/verify"} == {"get"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/explore", "/api/home", "/metrics"])
def test_other_methods_are_refused(lake: Lake, method: str, path: str) -> None:
    """In words, as any other mistake."""
    assert pages(lake).request(method, path).status_code == 405
