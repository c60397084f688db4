"""People act on incidents by page and API: who may, what is kept, what others see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.hooks import FIRST, changed
from support.lakes import Lake
from support.pages import NAUGHTY, pages, tags
from support.windows import at, logged

from analytics.web.base.access import Access
from analytics.web.metrics import SERVICES_MOST
from anomaly.engine.incident import Incident
from anomaly.lake.incidents import rows_of
from lakehouse.http.tokens import METRICS, READ, WRITE, Token, Tokens
from lakehouse.response.mutes import Mutes
from lakehouse.response.respond import history
from lakehouse.tables.catalog import ANOMALIES, LOGS

pytestmark = pytest.mark.slow

ID = FIRST.incident_id
PAGE, API = f"/incidents/{ID}", f"/api/incidents/{ID}/actions"
FORM = f"{PAGE}/actions"
COMMENT = {"kind": "commented", "text": "rolled back", "for": "2h", "id": "a1"}


@pytest.fixture
def known(lake: Lake) -> Lake:
    """A lake that has the incident."""
    return with_incidents(lake, FIRST)


def with_incidents(lake: Lake, *found: Incident) -> Lake:
    """A lake with a row and these incidents."""
    lake.put(logged([at(0)]), table=LOGS)
    lake.put(rows_of(found), table=ANOMALIES)
    return lake


def holding(lake: Lake, **secrets: str) -> Access:
    """Who has one of these tokens may ask: a secret by its scope."""
    given = [Token.of(f"for-{scope}", scope, secret) for scope, secret in secrets.items()]
    return Access(Tokens(lake.places.tokens, given))


def kept(lake: Lake) -> list[tuple[str, str, str]]:
    """What was done: kind, who, text."""
    return [(one.kind, one.who, one.text) for one in history(lake.places, ID)]


def test_a_form_is_kept_and_leads_back(known: Lake) -> None:
    """The page shows it, and the list who."""
    asked = pages(known)
    answer = asked.post(FORM, data=COMMENT)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#people")
    assert [(kind, text) for kind, _, text in kept(known)] == [("commented", "rolled back")]
    assert "rolled back" in asked.get(PAGE).text
    assert "commented by" in asked.get("/incidents").text


def test_a_view_is_linked_from_a_comment(known: Lake) -> None:
    """By its relative link, which leads to what is kept under the name then."""
    asked = pages(known)
    asked.post("/explore/views", data={"name": "carts", "q": "service=cart&last=7d"})
    asked.post(FORM, data={**COMMENT, "text": "look at /explore/view?name=carts first"})
    assert '<a href="/explore/view?name=carts">/explore/view?name=carts</a> first' in (
        asked.get(PAGE).text
    )
    assert asked.get("/explore/view?name=carts").headers["location"] == (
        "/explore?service=cart&last=7d"
    )


def test_the_same_form_again_is_kept_once(known: Lake) -> None:
    """Also eight times at once; another text from the same page is another comment."""
    asked = pages(known)
    with ThreadPoolExecutor(8) as pool:
        codes = {*pool.map(lambda _: asked.post(FORM, data=COMMENT).status_code, range(8))}
    asked.post(FORM, data={**COMMENT, "text": "no, it was not"})
    assert codes == {303}
    assert [text for _, _, text in kept(known)] == ["rolled back", "no, it was not"]


def test_the_name_is_that_of_the_token(known: Lake) -> None:
    """Nobody writes in another's name."""
    bearer = {"authorization": "Bearer a-writing-secret"}
    asked = pages(known, access=holding(known, write="a-writing-secret"))
    body = {"kind": "acknowledged", "who": "somebody else"}
    assert asked.post(API, json=body, headers=bearer).json()["who"] == "for-write"
    assert kept(known) == [("acknowledged", "for-write", "")]


@pytest.mark.parametrize("path", [FORM, API])
@pytest.mark.parametrize("scope", [READ, METRICS])
def test_who_may_only_read_does_nothing(known: Lake, scope: str, path: str) -> None:
    """It is said which scope it takes; the page says so too, and has no form."""
    asked = pages(known, access=holding(known, **{scope: "only-a-secret"}))
    bearer = {"authorization": "Bearer only-a-secret"}
    answer = asked.post(path, json=COMMENT, headers=bearer)
    assert (answer.status_code, "--scope write" in answer.text) == (403, True)
    assert asked.post(path, json=COMMENT).status_code == 401
    assert kept(known) == []
    if scope == READ:
        html = asked.get(PAGE, headers=bearer).text
        assert ("<textarea" in html, "--scope write" in html) == (False, True)


def test_a_session_writes_as_its_token(known: Lake) -> None:
    """Signed in by form, as a browser is."""
    asked = pages(known, access=holding(known, write="a-writing-secret"))
    asked.post("/login", data={"token": "a-writing-secret"})
    assert "<textarea" in asked.get(PAGE).text
    assert asked.post(FORM, data=COMMENT).status_code == 303
    assert kept(known) == [("commented", "for-write", "rolled back")]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
    ],
)
@pytest.mark.parametrize("path", [FORM, API])
def test_another_site_posts_in_vain(known: Lake, path: str, headers: dict[str, str]) -> None:
    """Whatever the browser is signed in with."""
    asked = pages(known)
    body = "kind=resolved" if path == FORM else '{"kind": "resolved"}'
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
        answer = asked.post(path, content=body, headers={**headers, "content-type": kind})
        assert answer.status_code in (403, 421)
    assert kept(known) == []


@pytest.mark.parametrize(
    ("given", "status", "fault"),
    [
        ({"kind": "deleted"}, 400, "cannot be done"),
        ({"kind": "commented", "text": " "}, 400, "the comment is empty"),
        ({"kind": "commented", "text": "x" * 1001}, 400, "1,001 characters"),
        ({"kind": "commented", "text": "x" * (1 << 20)}, 413, "more than is read"),
        ({"kind": "muted", "for": "soon"}, 400, "soon"),
        ({"kind": "muted", "for": "0"}, 400, "ends at once"),
        ({}, 400, ""),
    ],
)
def test_what_cannot_be_done_is_said(
    known: Lake, given: dict[str, str], status: int, fault: str
) -> None:
    """By the form and by the API; nothing is kept."""
    asked = pages(known)
    for answer in (asked.post(FORM, data=given), asked.post(API, json=given)):
        assert answer.status_code == status
        assert fault in answer.text
    assert kept(known) == []


@pytest.mark.parametrize("name", ["nope", "%2e%2e%2fx", "a%00b", "x" * 500])
def test_an_unknown_incident_is_none(known: Lake, name: str) -> None:
    """Nothing is written anywhere."""
    asked = pages(known)
    for path in (f"/incidents/{name}/actions", f"/api/incidents/{name}/actions"):
        answer = asked.post(path, data=COMMENT) if "api" not in path else None
        answer = answer or asked.post(path, json=COMMENT)
        assert answer.status_code == 404


def test_hostile_texts_are_text(known: Lake) -> None:
    """No element comes of them, in the page, the list or the log of a terminal."""
    asked = pages(known)
    asked.post(FORM, data=COMMENT)
    plain = {path: {*tags(asked.get(path).text)} for path in (PAGE, "/incidents")}
    for text in (*NAUGHTY, "\ud800", "a\x00b\x1b[31m"):
        sent = text.encode(errors="surrogatepass")
        assert asked.post(FORM, data={**COMMENT, "text": sent}).status_code == 303
    for path, known_tags in plain.items():
        assert {*tags(asked.get(path).text)} <= known_tags
    assert not [text for _, _, text in kept(known) if "\x1b" in text or "\x00" in text]


def test_a_resolved_one_is_no_open_one(known: Lake) -> None:
    """In the list, its filters, Home and the metrics; the row stays as detection has it."""
    asked = pages(known)
    before = asked.get("/metrics").text
    asked.post(API, json={"kind": "resolved"}).raise_for_status()
    assert asked.get("/api/incidents?status=open").json()["incidents"] == []
    (one,) = asked.get("/api/incidents?status=resolved").json()["incidents"]
    assert one["status"] == "resolved"
    assert asked.get(f"/api/incidents/{ID}").json()["incident"]["status"] == "resolved"
    series = 'logpond_incidents_open{service="shop",severity="warning"}'
    assert f"{series} 1.0" in before
    assert series not in asked.get("/metrics").text


def test_a_mute_of_a_page_is_a_mute(known: Lake) -> None:
    """Of the incident's key, for as long as it was asked."""
    pages(known).post(API, json={"kind": "muted", "for": "3d", "text": "noisy"}).raise_for_status()
    (mute,) = Mutes(known.places).now(datetime.now(UTC))
    assert (mute.key, mute.until - mute.since, mute.why) == ("shop /cart", timedelta(3), "noisy")


def test_the_past_has_what_was_done_by_then(known: Lake) -> None:
    """And nothing can be done about it."""
    asked = pages(known)
    asked.post(FORM, data=COMMENT)
    before = (datetime.now(UTC) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    past = asked.post(f"{FORM}?as_of=0", data=COMMENT)
    assert (past.status_code, "the past" in past.text) == (400, True)
    assert "<textarea" not in asked.get(f"{PAGE}?as_of={before}").text


def test_metrics_have_a_bounded_number_of_series(lake: Lake) -> None:
    """The services with most open incidents by name, the others together; any name is escaped."""
    names = [f"service-{n:03}" for n in range(3 * SERVICES_MOST)]
    texts = ['a"b\\\nc{}', "x" * 5000]
    found: list[Any] = [
        changed(incident_id=f"{n:016x}", service=name) for n, name in enumerate([*names, *texts])
    ]
    text = pages(with_incidents(lake, *found)).get("/metrics").text
    series = [line for line in text.splitlines() if line.startswith("logpond_incidents_open{")]
    assert len(series) <= SERVICES_MOST + 4
    assert sum(float(line.rpartition(" ")[2]) for line in series) == len(found)
    assert max(map(len, series)) < 200


def test_the_first_token_may_act_and_the_setting_reads(lake: Lake) -> None:
    """Who sets the pages up gets all; a token that is shared by setting does not become more."""
    tokens = Tokens(lake.places.tokens)
    found = tokens.find(tokens.first(READ))
    assert found is not None
    assert found.covers(WRITE)
    assert not Token.of("x", READ, "y").covers(WRITE)
    assert tokens.first(READ) == ""
