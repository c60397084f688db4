"""The page Ingest: the gateway's address and no other, no token, and what has arrived."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from support.code import ROOT
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, SCRIPT, SECRET, guarded, pages, tags
from support.windows import Pond, logged

from analytics.web.ingest.collectors import COLLECTORS, SNIPPETS
from analytics.web.ingest.readme import completed
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Gateway

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()
OPEN = Gateway(host="0.0.0.0", hosts="logs.example.org", tls_cert="cert.pem")


def arrive(pond: Pond, **fields: object) -> None:
    """An event that was decoded just now."""
    now = datetime.now(UTC)
    pond.arrive(logged([now - timedelta(days=300)], _ingested_at=[now], **fields))


@pytest.mark.parametrize("name", COLLECTORS)
def test_each_collector_is_shown_what_to_paste(lake: Lake, name: str) -> None:
    """With the address of the gateway and the name of the source, and a button for each text."""
    answer = pages(lake, gateway=Gateway(port=4999)).get(f"/ingest?collector={name}&source=cart")
    assert answer.status_code == 200
    for word in ("127.0.0.1", "4999", "cart", COLLECTORS[name].title):
        assert word in answer.text
    assert answer.text.count("data-copy=") == 1 + len(COLLECTORS[name].snippets)


@pytest.mark.parametrize(
    ("gateway", "host", "address"),
    [
        (Gateway(), "localhost:8000", "http://localhost:4318"),
        (Gateway(), "[::1]:8000", "http://[::1]:4318"),
        (Gateway(), "logs.example.org", "http://127.0.0.1:4318"),
        (Gateway(host="192.0.2.7"), "127.0.0.1", "http://192.0.2.7:4318"),
        (OPEN, "logs.example.org:8000", "https://logs.example.org:4318"),
        (OPEN, "192.0.2.7:8000", "https://192.0.2.7:4318"),
        (OPEN, "web", "https://logs.example.org:4318"),
    ],
)
def test_the_address_is_one_that_the_gateway_answers_to(
    lake: Lake, gateway: Gateway, host: str, address: str
) -> None:
    """The name that the page was asked under, if it is the gateway's too."""
    client = pages(lake, host="0.0.0.0", hosts="logs.example.org,web", gateway=gateway)
    assert f"<code>{address}</code>" in client.get("/ingest", headers={"host": host}).text


def test_rsyslog_is_led_to_the_kafka_of_the_settings(lake: Lake) -> None:
    """And to the topic of the gateway; nothing of how the server signs in there is shown."""
    connection = Connection("k1:9093", "SASL_SSL", "PLAIN", "web", SecretStr("a-password"))
    client = pages(lake, connection=connection, gateway=Gateway(topic="http-logs"))
    text = html.unescape(client.get("/ingest?collector=rsyslog").text)
    assert 'broker=["k1:9093"] topic="http-logs"' in text
    assert "a-password" not in text


@pytest.mark.parametrize("host", ["evil.example", '[fe80::1%" -x evil]', f"{SCRIPT}"])
def test_a_hostile_name_is_in_no_text(lake: Lake, host: str) -> None:
    """The guard refuses it before there is a page."""
    answer = pages(lake, host="::", gateway=OPEN).get("/ingest", headers={"host": host})
    assert (answer.status_code, "evil" in answer.text) == (421, False)


@pytest.mark.parametrize("source", [*EACH_NAUGHTY, "a b", "$(id)", "x" * 101, ""])
def test_a_source_is_a_name(lake: Lake, source: str) -> None:
    """Nothing else gets into what somebody pastes into a shell."""
    client = pages(lake)
    for path in ("/ingest", "/api/arrivals"):
        answer = client.get(path, params={"source": source})
        assert answer.status_code in (400, 422)
        assert "logpond token create" not in answer.text


@pytest.mark.parametrize(
    ("gateway", "none"),
    [
        ({}, True),
        ({"hosts": "logs"}, False),
        ({"token": "a-token-of-16-letters"}, False),
        ({"host": "0.0.0.0"}, False),
    ],
)
def test_it_says_who_needs_a_token(lake: Lake, gateway: dict[str, str], none: bool) -> None:
    """As the gateway decides it: the user who runs it sends without one, where others cannot."""
    text = pages(lake, gateway=Gateway.model_validate(gateway)).get("/ingest").text
    assert ("you need none" in text, "Every sender needs one" in text) == (none, not none)


def test_no_token_is_shown(lake: Lake) -> None:
    """Whether the settings have one for the gateway or for the pages."""
    gateway = Gateway.model_validate({"token": "a-token-of-16-letters"})
    client = pages(lake, access=guarded(lake), gateway=gateway)
    headers = {"authorization": f"Bearer {SECRET}"}
    for name in COLLECTORS:
        text = client.get(f"/ingest?collector={name}", headers=headers).text
        assert "logpond token create app --scope ingest" in text
        assert "a-token-of-16-letters" not in text
        assert SECRET not in text


def test_the_first_event_of_a_source_is_waited_for(lake: Lake) -> None:
    """It is shown once it is in the table, whatever its own time is; that of others is not."""
    pond = Pond(lake)
    assert "Waiting for the first event of cart" in pages(lake).get("/ingest?source=cart").text
    arrive(pond, service="other", message="not this")
    assert "Waiting for" in pages(lake).get("/ingest?source=cart").text
    arrive(pond, service="cart", message="payment failed", level="ERROR")
    shown = pages(lake).get("/ingest?source=cart&part=arrivals").text
    assert "Events of cart arrive" in shown
    assert "payment failed" in shown
    assert "not this" not in shown
    assert "html" not in tags(shown)


def test_a_source_of_the_lake_is_found_by_its_name_too(lake: Lake) -> None:
    """Whatever service its lines name."""
    arrive(Pond(lake), service="checkout", _source="apache")
    (event,) = pages(lake).get("/api/arrivals?source=apache").json()["events"]
    assert event["service"] == "checkout"


def test_what_came_long_ago_is_not_the_first_event(lake: Lake) -> None:
    """The page waits for what comes now."""
    hour = datetime.now(UTC) - timedelta(hours=1)
    Pond(lake).arrive(logged([hour], service="cart", _ingested_at=[hour]))
    assert pages(lake).get("/api/arrivals?source=cart").json()["events"] == []


def test_rejected_records_say_why(lake: Lake) -> None:
    """Whoever waits learns that it came, and what is wrong with it."""
    lake.admit()
    lake.batch(0, {0: 5}, bad={1, 3})
    gateway = Gateway(topic=lake.topic.name)
    client = pages(lake, gateway=gateway)
    (reason,) = client.get("/api/arrivals?source=cart").json()["rejects"]
    assert (reason["reason"], reason["records"]) == ("syntax", 2)
    assert "went to quarantine" in client.get("/ingest?source=cart").text


def test_hostile_events_are_text(lake: Lake) -> None:
    """Whatever is in a message."""
    arrive(Pond(lake), service="cart", message=SCRIPT)
    shown = pages(lake).get("/ingest?source=cart").text
    assert SCRIPT not in shown
    assert "&lt;script&gt;" in shown


def test_the_readme_has_the_same_texts() -> None:
    """`make docs` writes them there; no template is left out."""
    assert completed(README) == README
    shown = {one.file for of in COLLECTORS.values() for one in of.snippets}
    assert shown == {file.stem for file in SNIPPETS.iterdir()}
