"""What people did about an incident: by command, and in what receivers get."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from support.hooks import (
    ENDED,
    ESCALATED,
    FIRST,
    OPENED,
    WORSE,
    Receiver,
    alerts,
    changed,
    until,
)
from support.lakes import Lake
from support.trouble import CONFIG, close_minutes, found, put, spike

from anomaly.alerts.alert import Change, alert_of
from anomaly.alerts.alerts import Alerts
from anomaly.alerts.message import Message
from anomaly.alerts.receivers import kinds_of_receivers
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection
from anomaly.lake.incidents import rows_of
from lakehouse import store
from lakehouse.response.action import ACKNOWLEDGED, COMMENTED, action
from lakehouse.response.mutes import Mutes
from lakehouse.response.respond import history, respond
from lakehouse.settings import CONF, load
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.incidents import RESOLVED
from lakehouse.terminal.commands import program

SEEN = changed(minutes=1)
STILL = Change(FIRST, SEEN)
HOSTILE = "<!channel> *now*\n[x](https://evil.example) \x1b[31m"


@pytest.fixture
def known(lake: Lake) -> Lake:
    """A lake that has the incident."""
    lake.put(rows_of([FIRST]), table=ANOMALIES)
    return lake


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that listens."""
    with Receiver().listening() as up:
        yield up


def run(lake: Lake, *words: str) -> Result:
    """What a command does."""
    return CliRunner().invoke(program("anomaly"), [*words, "--lake", lake.places.lake])


def did(lake: Lake, kind: str, text: str = "", hours: float = 0.0) -> None:
    """Ann does something, so many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    respond(lake.places, FIRST, action(kind, "ann", at, text))


def taken(held: Alerts, incident: Incident = SEEN) -> None:
    """What detection does now and then."""
    held.take_resolved(lambda: [incident])


def test_commands_say_who_did_what(known: Lake) -> None:
    """The start of an id will do; the list, the history and the mutes have it."""
    for words in (
        ("ack", "00c0", "--text", "mine", "--by", "ann"),
        ("comment", "00c0", "rolled", "back", "--by", "bob"),
        ("mute", "00c0", "--for", "2h", "--why", "noisy", "--by", "ann"),
        ("resolve", "00c0", "--by", "bob"),
    ):
        done = run(known, "incident", *words)
        assert (done.exit_code, done.output[:16]) == (0, FIRST.incident_id), done.exception
    shown = json.loads(run(known, "incident", "show", "00c0", "--format", "json").output)
    assert [(one["kind"], one["who"], one["text"]) for one in shown] == [
        ("acknowledged", "ann", "mine"),
        ("commented", "bob", "rolled back"),
        ("muted", "ann", "noisy"),
        ("resolved", "bob", ""),
    ]
    (listed,) = json.loads(run(known, "anomalies", "--format", "json").output)
    assert (listed["status"], listed["people"]) == ("resolved", "resolved by bob (of 4)")
    assert json.loads(run(known, "anomalies", "--open", "--format", "json").output) == []
    assert [mute.key for mute in Mutes(known.places).now(datetime.now(UTC))] == [FIRST.key]


def test_the_commands_of_the_document_run(known: Lake) -> None:
    """Those of docs/receivers.md, as they stand there."""
    text = (CONF.parent / "docs" / "receivers.md").read_text()
    shown = re.findall(r"^logpond (incident .*)$", text, re.MULTILINE)
    assert len(shown) == 5
    for line in shown:
        assert run(known, *shlex.split(line.replace("4f1c", "00c0"))).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ack", "nope"), "there is no incident nope"),
        (("comment", "00c0", " "), "the comment is empty"),
        (("comment", "00c0", "x" * 2000), "2,000 characters"),
        (("mute", "00c0", "--for", "0"), "ends at once"),
    ],
)
def test_what_cannot_be_done_is_said(known: Lake, words: tuple[str, ...], said: str) -> None:
    """And nothing is noted."""
    done = run(known, "incident", *words)
    assert done.exit_code
    assert said in f"{done.output}{done.exception}"
    assert history(known.places, FIRST.incident_id) == []


def test_hostile_text_is_text(known: Lake) -> None:
    """On a terminal, in a chat, in mail."""
    did(known, COMMENTED, HOSTILE)
    assert "\x1b" not in run(known, "incident", "show", "00c0").output
    told = Message.of(alert_of(FIRST, "opened", history(known.places, FIRST.incident_id)))
    for kind, table in {
        "slack": {"url": "https://chat.example/T0"},
        "teams": {"url": "https://chat.example/T0"},
        "pagerduty": {"key": "0123456789abcdef"},
        "alertmanager": {"url": "http://127.0.0.1:1"},
        "webhook": {"url": "https://chat.example/T0"},
    }.items():
        made: Any = kinds_of_receivers()[kind].model_validate({"kind": kind, **table})
        assert "now" in made.request(told).body.decode()
        if kind == "slack":
            text = json.loads(made.request(told).body)["blocks"][0]["text"]["text"]
            assert "<!channel>" not in text
            assert "https://evil" not in text


def test_a_comment_is_in_the_next_post(lake: Lake, receiver: Receiver) -> None:
    """It makes none by itself."""
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        did(lake, COMMENTED, "rolled back")
        taken(held)
        held.take([ESCALATED])
        until(lambda: len(receiver.taken) == 2)
    assert [[one["text"] for one in told["actions"]] for told in receiver.taken] == [
        [],
        ["rolled back"],
    ]


def test_a_resolve_is_posted_once(lake: Lake, receiver: Receiver) -> None:
    """Also if it is looked at again, by another process; the end that follows is no news."""
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        did(lake, RESOLVED)
        taken(held)
        taken(held)
    with alerts(lake, receiver) as held:
        taken(held)
        held.take([STILL])
        held.take([ENDED])
        until(lambda: len(receiver.taken) == 2)
    assert receiver.events == ["opened", "resolved"]
    assert len(receiver.asked) == 2


def test_a_resolve_ends_it_where_it_was_posted() -> None:
    """A pager and Alertmanager are told that it is over, in their own words."""
    told = Message.of(alert_of(FIRST, RESOLVED))
    for kind, table in {
        "pagerduty": {"key": "0123456789abcdef"},
        "alertmanager": {"url": "http://127.0.0.1:1"},
    }.items():
        made: Any = kinds_of_receivers()[kind].model_validate({"kind": kind, **table})
        body = json.loads(made.request(told).body)
        if kind == "pagerduty":
            assert (body["event_action"], body["dedup_key"]) == ("resolve", FIRST.incident_id)
        else:
            ends = {datetime.fromisoformat(one["endsAt"]) for one in body}
            assert max(ends) <= datetime.now(UTC) + timedelta(minutes=2)


def test_a_resolve_that_was_wrong_is_taken_back(lake: Lake, receiver: Receiver) -> None:
    """What is worse than it was then, or goes on half an hour later, is sent as opened."""
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        did(lake, RESOLVED)
        taken(held)
        held.take([ESCALATED])
        held.take([ENDED])
        until(lambda: len(receiver.taken) == 4)
    assert receiver.events == ["opened", "resolved", "opened", "closed"]


def test_what_goes_on_is_opened_again(lake: Lake, receiver: Receiver) -> None:
    """Half an hour after the resolve."""
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        did(lake, RESOLVED)
        taken(held)
        at = datetime.now(UTC) + timedelta(minutes=31)
        late = msgspec.structs.replace(FIRST, last_breach=at, folded_to=at)
        held.take([Change(FIRST, late)])
        until(lambda: len(receiver.taken) == 3)
    assert receiver.events == ["opened", "resolved", "opened"]


def test_what_is_resolved_before_it_was_sent_is_sent_to_nobody(
    lake: Lake, receiver: Receiver
) -> None:
    """Neither its beginning nor its resolve."""
    did(lake, RESOLVED)
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        taken(held)
        held.take([Change(FIRST, WORSE)])
        until(lambda: receiver.taken)
    assert receiver.events == ["opened"]
    assert receiver.taken[0]["incident"]["severity"] == "critical"


@pytest.mark.parametrize(
    ("kind", "posts"), [("webhook", 1), ("alertmanager", 2)], ids=["webhook", "alertmanager"]
)
def test_what_somebody_looks_after_is_not_repeated(
    lake: Lake, receiver: Receiver, tmp_path: Any, kind: str, posts: int
) -> None:
    """But to Alertmanager, which would take silence for the end."""
    file = tmp_path / "receivers.toml"
    url = receiver.url.partition("?")[0]
    file.write_text(f'[one]\nkind = "{kind}"\nurl = "{url}"\nrepeat_hours = 0.0000001\n')
    settings = load(lake=lake.places.lake, receivers=str(file))
    with Alerts(lake.places, settings, print) as held:
        held.take([OPENED])
        did(lake, ACKNOWLEDGED)
        held.take([STILL])
        until(lambda: len(receiver.bodies) >= posts)
    assert len(receiver.bodies) == posts


def test_an_escalation_is_sent_though_somebody_looks_after_it(
    lake: Lake, receiver: Receiver
) -> None:
    """It is news, and says who does."""
    with alerts(lake, receiver) as held:
        held.take([OPENED])
        did(lake, ACKNOWLEDGED)
        held.take([ESCALATED])
        until(lambda: len(receiver.taken) == 2)
    assert receiver.events == ["opened", "escalated"]
    assert receiver.taken[1]["actions"][0]["who"] == "ann"


def test_rows_of_the_table_stay_as_detection_has_them(known: Lake) -> None:
    """What people did is beside them, so that a fold of history finds the same."""
    did(known, RESOLVED)
    rows = store.open_table(known.places, ANOMALIES).to_pyarrow_table()
    assert rows["status"].to_pylist() == ["open"]


@pytest.mark.slow
def test_detection_tells_of_what_was_resolved(lake: Lake, receiver: Receiver) -> None:
    """It looks now and then; only an open incident can be resolved, and only once."""
    put(lake, spike, 106)
    close_minutes(lake, 106)
    with alerts(lake, receiver, old_hours=1e6) as held:
        detection = Detection(lake.places, CONFIG, lambda _one: None, held.take, held.take_resolved)
        detection()
        one = next(it for it in found(lake) if not it.parent)
        detection.look_at_resolved()
        respond(lake.places, one, action(RESOLVED, "ann", one.last_breach))
        for _ in range(3):
            detection.look_at_resolved()
        until(lambda: "resolved" in receiver.events)
    resolved = [
        told["incident"]["incident_id"] for told in receiver.taken if told["event"] == "resolved"
    ]
    assert resolved == [one.incident_id]
