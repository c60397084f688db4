"""Who may ask: tokens, sessions, wrong guesses."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from support.lakes import Lake
from support.pages import SECRET, guarded, pages
from support.serving import serving

from analytics.web.app import Options, create
from analytics.web.base.access import Access, Sessions
from lakehouse.errors import SettingsError
from lakehouse.http.attempts import Attempts
from lakehouse.http.tokens import Token, Tokens
from lakehouse.settings import Http, load

pytestmark = pytest.mark.slow

HTML = {"accept": "text/html"}
BEARER = {"authorization": f"Bearer {SECRET}"}


def bearer(secret: str) -> dict[str, str]:
    """What a program sends."""
    return {"authorization": f"Bearer {secret}"}


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "path", ["/", "/explore", "/api/home", "/metrics", "/explore.csv", "/live"]
)
def test_without_a_token_nothing_is_told(lake: Lake, path: str) -> None:
    """Neither on pages nor under /api, nor to who guesses."""
    asked = pages(lake, access=guarded(lake))
    assert asked.get(path).status_code == 401
    assert asked.get(path, headers=bearer("guess")).status_code == 401
    assert asked.get(path, headers={"cookie": f"logpond={SECRET}"}).status_code == 401


def test_an_empty_token_is_none(lake: Lake) -> None:
    """What comes is told that one is missing, and is no guess."""
    asked = pages(lake, access=guarded(lake))
    for _ in range(20):
        found = asked.get("/api/tables", headers={"authorization": "Bearer "})
        assert found.status_code == 401
    assert "missing" in found.text


@pytest.mark.parametrize("path", ["/healthz", "/static/style.css"])
def test_health_and_static_files_need_none(lake: Lake, path: str) -> None:
    """They tell nothing of the lake."""
    assert pages(lake, access=guarded(lake)).get(path).status_code == 200


def test_a_token_opens_what_its_scope_says(lake: Lake) -> None:
    """Prometheus gets its figures and no row; a collector that sends reads nothing."""
    access = guarded(lake)
    assert access.tokens
    asked = pages(lake, access=access)

    def opened(scope: str) -> list[int]:
        headers = bearer(access.tokens.create(scope, scope))  # type: ignore[union-attr]
        return [
            asked.get(path, headers=headers).status_code for path in ("/api/tables", "/metrics")
        ]

    assert opened("read") == [200, 200]
    assert opened("metrics") == [403, 200]
    assert opened("ingest") == [403, 403]


def test_a_token_of_another_scope_is_no_guess(lake: Lake) -> None:
    """As often as it comes, and at the form too, where it begins no session."""
    access = Access.of(lake.places, load(web_host="0.0.0.0", gateway_token="sends-to-the-gateway"))
    assert access.tokens
    asked = pages(lake, access=access)
    for secret in ("sends-to-the-gateway", access.tokens.create("sends", "ingest")):
        assert asked.get("/api/tables", headers=bearer(secret)).status_code == 403
        answer = asked.post("/login", data={"token": secret})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert "his token is for ingest" in answer.text
        assert asked.get(f"/?token={secret}").status_code == 403
    reads = access.tokens.create("reads", "read")
    assert asked.get("/api/tables", headers=bearer(reads)).status_code == 200


def test_a_revoked_token_opens_nothing(lake: Lake) -> None:
    """At once, and neither do the sessions that it began."""
    tokens = Tokens.of(lake.places)
    secret = tokens.create("alice", "read")
    asked = pages(lake, access=Access(tokens))
    asked.post("/login", data={"token": secret})
    assert asked.get("/api/tables").status_code == 200

    Tokens.of(lake.places).revoke("alice")

    assert asked.get("/api/tables").status_code == 401
    assert asked.get("/api/tables", headers=bearer(secret)).status_code == 401


def test_a_person_signs_in_and_out(lake: Lake) -> None:
    """A browser is led to a form, has a session in which no token is, and ends it."""
    asked = pages(lake, access=guarded(lake))
    assert asked.get("/", headers=HTML).headers["location"] == "/login"
    given = asked.post("/login", data={"token": SECRET})
    assert SECRET not in given.headers["set-cookie"]
    assert re.search("^logpond=.*HttpOnly.*SameSite=strict", given.headers["set-cookie"])
    assert "Sign out" in asked.get("/tables", headers=HTML).text

    stolen = {"cookie": given.headers["set-cookie"].partition(";")[0]}
    assert asked.post("/logout").headers["location"] == "/login"
    asked.cookies.clear()
    assert asked.get("/", headers={**HTML, **stolen}).status_code == 303


def test_over_tls_the_cookie_is_of_this_host_alone(lake: Lake) -> None:
    """No plain page and no other name can set it."""
    asked = pages(lake, access=guarded(lake))
    asked.base_url = "https://127.0.0.1"  # type: ignore[assignment]
    given = asked.post("/login", data={"token": SECRET}).headers["set-cookie"]
    assert given.startswith("__Host-logpond=")
    assert "Secure" in given
    assert "Path=/;" in given
    assert asked.get("/api/tables").status_code == 200


def test_a_link_signs_in_and_leaves_the_token_behind(lake: Lake) -> None:
    """As the first start prints it."""
    asked = pages(lake, access=guarded(lake))
    answer = asked.get("/tables", params={"by": "rows", "token": SECRET})
    assert (answer.status_code, answer.headers["location"]) == (303, "/tables?by=rows")
    assert asked.get("/api/tables").status_code == 200
    assert pages(lake, access=guarded(lake)).get("/?token=guess").status_code == 401


def test_sessions_end(lake: Lake) -> None:
    """By time."""
    clock = Clock()
    access = guarded(lake)
    access.sessions = Sessions(60.0, clock)
    asked = pages(lake, access=access)
    asked.post("/login", data={"token": SECRET})
    clock.now = 59.0
    assert asked.get("/api/tables").status_code == 200
    clock.now = 60.0
    assert asked.get("/api/tables").status_code == 401


def test_there_are_so_many_sessions() -> None:
    """The oldest make room."""
    sessions, token = Sessions(), Token.of("a", "read", SECRET)
    first = sessions.begin(token)
    for _ in range(1000):
        sessions.begin(token)
    assert sessions.token(first) is None


def test_wrong_tokens_make_wait_longer_and_longer(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    """Also the right one waits then; each wrong one is a line, without what was tried."""
    clock, waits = Clock(), []
    access = guarded(lake)
    access.attempts = Attempts(clock)
    asked = pages(lake, access=access)
    for _ in range(7):
        assert asked.get("/", headers=bearer("guess")).status_code == 401
        refused = asked.get("/", headers=BEARER)
        waits.append(int(refused.headers.get("retry-after", 0)))
        assert refused.status_code == (429 if waits[-1] else 200)
        clock.now += waits[-1]
    assert waits == [0, 0, 1, 2, 4, 8, 16]
    assert asked.get("/", headers=BEARER).status_code == 200
    assert len([r for r in caplog.records if r.name == "logpond.audit"]) == 7
    assert "guess" not in caplog.text


def test_the_form_says_that_one_has_to_wait(lake: Lake) -> None:
    """After three wrong ones; before, that it was wrong."""
    asked = pages(lake, access=guarded(lake))
    told = [asked.post("/login", data={"token": "guess"}) for _ in range(4)]
    assert [one.status_code for one in told] == [401, 401, 401, 429]
    assert "That is not a token of this lake" in told[0].text
    assert "try again in 1 s" in told[3].text
    assert not any("set-cookie" in one.headers for one in told)


@pytest.mark.parametrize(
    ("name", "value"),
    [("web_token", "fifteen letters"), ("web_token", "a token with spaces in it")],
)
def test_a_token_that_could_be_guessed_is_refused(name: str, value: str) -> None:
    """By its length, before anything starts, and without showing it."""
    with pytest.raises(SettingsError, match=r"web\.token") as refused:
        load(**{name: value})
    assert value not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_a_first_start_that_others_can_reach_makes_a_token(lake: Lake, host: str) -> None:
    """Once; what is kept is not the token, and nobody else can read even that."""
    settings = load(web_host=host)
    secret = Access.of(lake.places, settings).first_token()
    (kept,) = Tokens.of(lake.places).folder.iterdir()
    assert len(secret) >= 32
    assert secret not in kept.read_text()
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert Access.of(lake.places, settings).first_token() == ""
    assert not Access.of(lake.places, settings).is_open_to_own_user


def test_a_chosen_token_is_enough(lake: Lake) -> None:
    """Then none is made."""
    settings = load(web_host="0.0.0.0", web_token="chosen-by-a-person")
    assert Access.of(lake.places, settings).first_token() == ""


def test_behind_a_proxy_that_ends_tls_the_cookie_is_secure(lake: Lake) -> None:
    """As if the browser had asked here by TLS; by the proxy's address nobody is let in."""
    settings = load(web_proxies="127.0.0.1")
    assert not Access.of(lake.places, settings).is_open_to_own_user
    app = create(lake.places, Options(access=guarded(lake)))
    with serving(app, Http(), proxies=settings.web.proxies) as at:
        asked = HTTPConnection(at.rpartition("/")[2])
        said = {"X-Forwarded-Proto": "https", "Content-Type": "application/x-www-form-urlencoded"}
        asked.request("POST", "/login", urlencode({"token": SECRET}), said)
        cookie = asked.getresponse().headers["set-cookie"]
    assert cookie.startswith("__Host-logpond=")
    assert {"secure", "httponly"} <= {part.strip().lower() for part in cookie.split(";")}


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/40"])
def test_a_proxy_is_an_address(proxies: str) -> None:
    """Neither anybody nor a name, which could lead anywhere."""
    with pytest.raises(SettingsError, match=r"web\.proxies"):
        load(web_proxies=proxies)
