"""Who may send, and by which names and pages the gateway may be asked."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.sending import SOURCES
from support.serving import serving

from gateway.access import MISSING, Access
from gateway.app import create
from gateway.delivery import Delivery
from gateway.memory import Budget
from lakehouse.http.tokens import Tokens
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings, load
from lakehouse.sources import sources_of

pytestmark = pytest.mark.slow

NOWHERE = Connection("127.0.0.1:1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a gateway that others can reach."""
    (tmp_path / "sources.toml").write_text(SOURCES.format(topic="gateway-logs"))
    at = {"lake": str(tmp_path), "sources": str(tmp_path / "sources.toml")}
    return load(gateway_host="0.0.0.0", web_token="the-token-of-the-pages", **at)


@pytest.fixture
def access(settings: Settings) -> Access:
    """Of the lake of these settings."""
    return Access.of(Places.of(settings), settings)


@pytest.fixture
def at(settings: Settings, access: Access) -> Iterator[str]:
    """The address of a gateway without a Kafka: what gets past the guard is refused as no gzip."""
    delivery = Delivery(NOWHERE, Budget(1 << 20), 1.0)
    app = create(delivery, access, sources_of(settings), settings)
    with serving(app, settings.http, lifespan="off") as address:
        yield address
    delivery.close()


def status(at: str, headers: dict[str, str], path: str = "/ingest/app") -> int:
    """How a request that has nothing wrong but its body is answered."""
    packed: dict[str, Any] = {"content-encoding": "gzip", **headers}
    return httpx.post(at + path, content=b"no gzip", headers=packed).status_code


def test_a_token_of_its_scope_opens_the_door(at: str, access: Access) -> None:
    """As Bearer, as a password, as an API key; it is made at the first start, and once."""
    secret = access.first_token()
    assert access.first_token() == ""
    pair = base64.b64encode(f"collector:{secret}".encode()).decode()
    for given in (f"Bearer {secret}", f"Basic {pair}", f"ApiKey {pair}", f"bearer {secret}"):
        assert status(at, {"authorization": given}) == 400


@pytest.mark.parametrize("given", ["Bearer ", "Bearer", "Basic Y29sbGVjdG9yOg==", "ApiKey "])
def test_an_empty_token_is_none(settings: Settings, given: str) -> None:
    """As of a text that was pasted without one: no guess, and whoever needs none may send."""
    places = Places.of(settings)
    for is_own, refusal in ((True, None), (False, MISSING)):
        access = Access(Tokens.of(places, settings), is_open_to_own_user=is_own)
        connection = SimpleNamespace(is_own_user=is_own)
        headers = [(b"authorization", given.encode())]
        state = {"connection": connection}
        scope = {"path": "/ingest/app", "headers": headers, "state": state}
        assert access.refusal(scope) == refusal
        assert access.attempts.wait("") == 0


@pytest.mark.parametrize("path", ["/ingest/app", "/_bulk", "/v1/logs", "/"])
def test_without_a_token_nothing_is_taken(at: str, path: str) -> None:
    """Nor with one that is none; how to get one is said, in the form of the protocol."""
    found = httpx.post(at + path, content=b"{}", headers={"content-type": "application/json"})
    assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
    assert "logpond token create" in found.text
    for given in ("Bearer guess", "Basic !", "Digest x"):
        assert status(at, {"authorization": given}, path) in (401, 429)


def test_a_token_that_reads_sends_nothing(at: str, access: Access) -> None:
    """It is no guess, so that its address need not wait; a revoked one opens nothing any more."""
    reads, sends = access.tokens.create("reads", "read"), access.tokens.create("sends", "ingest")
    for secret in (reads, "the-token-of-the-pages", reads, reads):
        assert status(at, {"authorization": f"Bearer {secret}"}) == 403
    assert status(at, {"authorization": f"Bearer {sends}"}) == 400
    access.tokens.revoke("sends")
    assert status(at, {"authorization": f"Bearer {sends}"}) == 401


def test_guesses_have_to_wait(at: str) -> None:
    """After some wrong ones an address is told for how long."""
    found = [status(at, {"authorization": f"Bearer guess-{n}"}) for n in range(4)]
    assert found == [401, 401, 401, 429]


@pytest.mark.slow
def test_other_names_and_pages_are_refused(at: str, access: Access) -> None:
    """A page that a browser shows cannot send into a lake; health is answered to anybody."""
    known = {"authorization": f"Bearer {access.first_token()}"}
    assert status(at, known | {"host": "logs.example.org"}) == 421
    assert status(at, known | {"origin": "https://evil.example"}) == 403
    assert status(at, known | {"sec-fetch-site": "cross-site"}) == 403
    assert httpx.get(f"{at}/healthz").text == "ok\n"
    assert httpx.get(f"{at}/readyz").status_code == 503


def test_the_user_who_runs_it_needs_none(tmp_path: Path) -> None:
    """On this machine alone, without a token or further names in the settings."""
    places = Places.at(str(tmp_path))
    private = load(lake=str(tmp_path))
    assert Access.of(places, private).is_open_to_own_user
    for name, value in (("host", "0.0.0.0"), ("hosts", "logs"), ("token", "x" * 16)):
        changed = load(lake=str(tmp_path), **{f"gateway_{name}": value})
        assert not Access.of(places, changed).is_open_to_own_user


def test_the_token_of_the_settings_sends(settings: Settings) -> None:
    """It needs no folder of tokens: a container has none."""
    chosen = load(lake="/nowhere", gateway_token="a-token-of-16-letters")
    access = Access.of(Places.at("/nowhere"), chosen)
    found = access.tokens.find("a-token-of-16-letters")
    assert found
    assert found.covers("ingest")
    assert not found.covers("read")
    assert access.first_token() == ""
    assert isinstance(access.tokens, Tokens)
