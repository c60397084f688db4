"""Who is told of incidents: by a chat, a pager, Alertmanager, mail; what each gets, and when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message as Mail
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from support.hooks import ENDED, ESCALATED, FIRST, OPENED, Receiver, changed, until
from support.lakes import Lake
from support.mailbox import PASSWORD, USER, Mailbox, alertmanager
from support.secured import Authority

from anomaly.alerts import alerts as module
from anomaly.alerts.alert import Change, alert_of, nothing
from anomaly.alerts.alerts import Alerts, send_test
from anomaly.alerts.message import Message
from anomaly.alerts.receiver import HttpReceiver
from anomaly.alerts.receivers import kinds_of_receivers, receivers_of
from anomaly.engine.incident import Incident
from lakehouse.errors import SettingsError
from lakehouse.settings import CONF, Settings, load

HOSTILE = changed(
    service="<!channel>",
    sentence="<@U024BE7LH> [fine](https://evil.example) *now*\r\nBcc: all@example.org",
    reasons=["@here " + "x" * 5000],
)
CHAT = {"kind": "slack", "url": "https://chat.example/T0/B0/key"}


OF_RULE = changed(
    rule="busy",
    labels=["service=shop", "team=a & b"],
    runbook="https://wiki.example.org/x?a=1&b=2|3",
)


def message(incident: Incident = FIRST, event: str = "opened") -> Message:
    """What a receiver is told of an incident."""
    return Message.of(alert_of(incident, event))


def made(**table: Any) -> Any:
    """The receiver that a table describes."""
    return kinds_of_receivers()[table["kind"]].model_validate(table)


def posted(told: Message, **table: Any) -> Any:
    """What is posted to a receiver, read."""
    receiver = made(**table)
    assert isinstance(receiver, HttpReceiver)
    return json.loads(receiver.request(told).body)


def asked(lake: Lake, tmp_path: Path, text: str, **flags: Any) -> Settings:
    """The settings of a lake with this file of receivers, soon tired of waiting."""
    file = tmp_path / "receivers.toml"
    file.write_text(text)
    patience = {"webhook_timeout_seconds": 2, "webhook_retry_seconds": 0.02}
    return load(lake=lake.places.lake, receivers=str(file), **patience, **flags)


def test_a_chat_gets_text_without_markup() -> None:
    """No mention, link or style comes out of logs; Slack's bounds hold; a link leads there."""
    post = posted(message(HOSTILE), **CHAT, page="https://logs.example.org/")

    section, context = post["blocks"]
    shown = section["text"]["text"]
    assert len(shown) <= 3000
    assert not [sign for sign in ("<", ">", "@", "*", "[", "://") if sign in shown]
    link = f"<https://logs.example.org/incidents/{HOSTILE.incident_id}|open the incident>"
    assert context["elements"][0]["text"] == link


def test_a_card_for_teams_has_runs_of_text() -> None:
    """In which nothing is Markdown; all of it is below the 28 KB that Teams takes."""
    post = posted(message(HOSTILE), kind="teams", url="https://flow.example/x")

    (attachment,) = post["attachments"]
    assert (post["type"], attachment["contentType"].rsplit(".")[-1]) == ("message", "adaptive")
    blocks = attachment["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert {run["type"] for block in blocks for run in block["inlines"]} == {"TextRun"}
    assert len(json.dumps(post)) < 28_000


def test_a_pager_has_one_incident_for_one_of_ours() -> None:
    """Its events share a key; the end resolves it. The fields are those that its API asks for."""
    pager = {"kind": "pagerduty", "key": "R0UT1NGKEY"}
    story = {"opened": FIRST, "escalated": ESCALATED.after, "closed": ENDED.after}
    opened, worse, ended = (posted(message(one, event), **pager) for event, one in story.items())

    assert [each["event_action"] for each in (opened, worse, ended)] == [
        "trigger",
        "trigger",
        "resolve",
    ]
    assert {each["dedup_key"] for each in (opened, worse, ended)} == {FIRST.incident_id}
    assert worse["payload"]["severity"] == "critical"
    assert {"summary", "source", "severity"} <= {*opened["payload"]}
    assert datetime.fromisoformat(opened["payload"]["timestamp"]) == FIRST.opened
    long = posted(message(changed(sentence="x" * 3000)), **pager)
    assert len(long["payload"]["summary"]) == 1024


@pytest.mark.skipif(not shutil.which("prometheus-alertmanager"), reason="there is no Alertmanager")
def test_alertmanager_has_it_open_as_long_as_it_is(lake: Lake, tmp_path: Path) -> None:
    """Of the severity that it has now, and no other; over when it is."""
    with alertmanager() as at:
        settings = asked(lake, tmp_path, f'[prom]\nkind = "alertmanager"\nurl = "{at}"\n')

        def active() -> list[tuple[str, str]]:
            found = httpx.get(f"{at}/api/v2/alerts").json()
            names = ("incident_id", "severity")
            return [(one["labels"][names[0]], one["labels"][names[1]]) for one in found]

        with Alerts(lake.places, settings, print) as alerts:
            for change, severities in ((OPENED, ["warning"]), (ESCALATED, ["critical"])):
                alerts.take([change])
                wanted = [(FIRST.incident_id, severity) for severity in severities]
                until(lambda wanted=wanted: active() == wanted)
            alerts.take([ENDED])
            until(lambda: active() == [])
            send_test(settings, "prom")
            until(active)
            assert [key for key, _ in active()] == ["logpond-test"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this file's servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


def mailer(box: Mailbox, authority: Authority | None = None, **own: Any) -> Any:
    """A receiver by mail, which knows the password where the server asks for one."""
    secure: dict[str, Any] = {"tls": "none"}
    if authority:
        secure = {"ca_file": str(authority.folder / "ca.pem"), "user": USER, "password": PASSWORD}
    where = {"server": f"127.0.0.1:{box.port}", "sender": "logpond@example.org"}
    return made(kind="email", **where, **{"to": ["shop@example.org"], **secure, **own})


def test_mail_is_a_thread_of_plain_text(authority: Authority) -> None:
    """By TLS and with a password; what comes out of logs adds no header."""
    with Mailbox().serving(authority.sign("mail")) as box:
        for event in ("opened", "escalated"):
            assert mailer(box, authority).deliver(message(HOSTILE, event), 20).is_taken
        wrong = mailer(box, authority, password="another-password").deliver(message(), 20)

    assert (wrong.is_taken, wrong.is_refused, wrong.why) == (False, False, "it answers 535")
    assert [mail["References"] for mail in box.mails] == [f"<{FIRST.incident_id}@example.org>"] * 2
    assert all(_is_plain(mail) for mail in box.mails)


def _is_plain(mail: Mail) -> bool:
    return mail["Bcc"] is None and mail["To"] == "shop@example.org" and not mail.is_multipart()


def test_a_mail_server_that_is_not_trusted_gets_no_password(authority: Authority) -> None:
    """It is said why, and tried again."""
    with Mailbox().serving(authority.sign("mail")) as box:
        answer = mailer(box, authority, ca_file="").deliver(message(), 20)
    assert (answer.is_taken, answer.is_refused) == (False, False)
    assert "certificate is not trusted" in answer.why


@pytest.mark.parametrize(
    ("answer", "unknown", "is_refused"),
    [("554 no", set(), True), ("451 later", set(), False), ("250 OK", {"shop@example.org"}, True)],
)
def test_mail_that_is_refused_for_good_is_not_sent_again(
    answer: str, unknown: set[str], is_refused: bool
) -> None:
    """A code of 5xx; any other is tried again."""
    with Mailbox(answer=answer, unknown=unknown).serving() as box:
        found = mailer(box).deliver(message(), 20)
    assert (found.is_taken, found.is_refused) == (False, is_refused)


@pytest.mark.parametrize(
    ("own", "incident", "hour", "is_wanted"),
    [
        ({}, FIRST, 12, True),
        ({"services": ["cart"]}, FIRST, 12, False),
        ({"services": ["shop"]}, FIRST, 12, True),
        ({"least": "critical"}, FIRST, 12, False),
        ({"least": "critical"}, changed(severity="critical"), 12, True),
        ({"quiet": "22:00-07:00"}, FIRST, 23, False),
        ({"quiet": "22:00-07:00"}, FIRST, 6, False),
        ({"quiet": "22:00-07:00"}, FIRST, 7, True),
        ({"quiet": "22:00-07:00"}, changed(severity="critical"), 23, True),
        ({"quiet": "10:00-13:00", "zone": "Asia/Tokyo"}, FIRST, 12, True),
        ({"quiet": "20:00-22:00", "zone": "Asia/Tokyo"}, FIRST, 12, False),
    ],
)
def test_a_receiver_says_what_it_wants(
    own: dict[str, Any], incident: Incident, hour: int, is_wanted: bool
) -> None:
    """By service, severity and the time of its day."""
    now = datetime(2026, 5, 1, hour, tzinfo=UTC)
    assert made(**CHAT, **own).wants(incident, now) == is_wanted


def test_each_receiver_has_its_own_queue(lake: Lake, tmp_path: Path) -> None:
    """One that is dead holds nobody up, and gets all of it once it is there."""
    alive, dead = Receiver(), Receiver()
    with alive.listening(), dead.listening():
        pass
    file = "".join(
        f'[{name}]\nkind = "webhook"\nurl = "{one.url}"\n'
        for name, one in {"alive": alive, "dead": dead}.items()
    )
    settings = asked(lake, tmp_path, file, webhook_retry_most_seconds=0.1)
    with alive.listening(), Alerts(lake.places, settings, print) as alerts:
        alerts.take([OPENED, ESCALATED])
        until(lambda: alive.events == ["opened", "escalated"])
        with dead.listening():
            until(lambda: len(dead.events) == 2)
    assert dead.events == alive.events


def test_what_was_not_wanted_is_sent_when_it_gets_worse(lake: Lake, tmp_path: Path) -> None:
    """As opened, for nothing of it was sent before; an end of what was never sent is not."""
    receiver = Receiver()
    with receiver.listening():
        file = f'[pager]\nkind = "webhook"\nurl = "{receiver.url}"\nleast = "critical"\n'
        other = changed(incident_id="another", severity="info")
        quietly = [Change(None, other), Change(other, changed(other, 5, status="closed"))]
        with Alerts(lake.places, asked(lake, tmp_path, file), print) as alerts:
            alerts.take([OPENED, *quietly, ESCALATED, ENDED])
            until(lambda: len(receiver.taken) == 2)
    assert receiver.events == ["opened", "closed"]
    assert {told["incident"]["incident_id"] for told in receiver.taken} == {FIRST.incident_id}


def test_what_is_open_when_quiet_hours_end_is_sent_then(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As opened, once; what was over before is not."""
    is_quiet, receiver = [True], Receiver()
    monkeypatch.setattr("anomaly.alerts.receiver.Receiver.is_quiet", lambda *_: is_quiet[0])
    over = changed(incident_id="0ver")
    with receiver.listening():
        file = f'[one]\nkind = "webhook"\nurl = "{receiver.url}"\n'
        with Alerts(lake.places, asked(lake, tmp_path, file), print) as alerts:
            alerts.take([OPENED, Change(None, over)])
            alerts.take([Change(over, changed(over, 1, status="closed"))])
            is_quiet[0] = False
            for minutes in (1, 2):
                alerts.take([Change(changed(minutes=minutes - 1), changed(minutes=minutes))])
            alerts.take([Change(changed(minutes=2), changed(minutes=3, status="closed"))])
            until(lambda: len(receiver.taken) >= 2)
    assert receiver.events == ["opened", "closed"]
    assert {told["incident"]["incident_id"] for told in receiver.taken} == {FIRST.incident_id}


def test_what_stays_open_is_repeated(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its hours and not before; a muted one is not."""
    receiver, now = Receiver(), [module.time.time()]
    monkeypatch.setattr("anomaly.alerts.alerts.time.time", lambda: now[0])
    with receiver.listening():
        file = f'[one]\nkind = "webhook"\nurl = "{receiver.url}"\nrepeat_hours = 4\n'
        with Alerts(lake.places, asked(lake, tmp_path, file), print) as alerts:
            for minutes, hours in ((0, 0), (1, 3.9), (2, 4.1), (3, 4.2)):
                now[0] += hours * 3600 if minutes else 0
                before = changed(minutes=minutes - 1) if minutes else None
                alerts.take([Change(before, changed(minutes=minutes))])
                now[0] -= hours * 3600 if minutes else 0
            muted = changed(minutes=4, muted=True)
            now[0] += 9 * 3600
            alerts.take([Change(changed(minutes=3), muted)])
            until(lambda: len(receiver.taken) >= 2)
    assert receiver.events[:2] == ["opened", "repeated"]


FAULTS = [
    ('[a]\nkind = "pigeon"\n', "line 2: a.kind: kind is one of alertmanager, email"),
    ('[a]\nkind = "slack"\n', "a: it needs a url, or a url_file"),
    ('[a]\nkind = "slack"\nurl = "http://chat.example/s3cret"\n', "by https:// only"),
    ('[a]\nkind = "slack"\nurl_file = "/none/here"\n', "url_file: /none/here: No such file"),
    ('[a]\nkind = "slack"\nurl = "https://x/"\nwhat = 1\n', "line 4: a.what: there is no such key"),
    ('[a]\nkind = "slack"\nurl = "https://x/"\nquiet = "late"\n', "such as 22:00-07:00"),
    ('[a]\nkind = "slack"\nurl = "https://x/"\nzone = "Moon"\n', "there is no time zone Moon"),
    ('[a]\nkind = "pagerduty"\n', "it needs the key of an integration"),
    ('[a]\nkind = "email"\nserver = "x"\nsender = "me"\nto = []\n', "a.sender: 'me' is no address"),
    ('[a]\nkind = "teams"\nurl = "https://x/"\nca_file = "/none"\n', "there is no file /none"),
    ('[a]\nkind = "alertmanager"\nurl = "https://x/"\nrepeat_hours = -1\n', "a.repeat_hours"),
    ("a = 1\n", "a.kind: kind is one of"),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_faults_of_the_file_are_named(lake: Lake, tmp_path: Path, text: str, fault: str) -> None:
    """With the line, and without a secret; nothing starts with them."""
    with pytest.raises(SettingsError) as refused:
        Alerts(lake.places, asked(lake, tmp_path, text), print)
    assert fault in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_secrets_are_never_shown(lake: Lake, tmp_path: Path) -> None:
    """Whoever prints a receiver prints no address, key or password; a file may hold each."""
    (tmp_path / "key").write_text("R0UT1NGKEY\n")
    pager = f'[a]\nkind = "pagerduty"\nkey_file = "{tmp_path}/key"\n'
    chat = '[b]\nkind = "slack"\nurl = "https://x/s3cret"\n'
    found = receivers_of(asked(lake, tmp_path, pager + chat))
    assert posted_key(found["a"]) == "R0UT1NGKEY"
    assert not [secret for secret in ("R0UT1NGKEY", "s3cret") if secret in repr(found)]


def posted_key(receiver: Any) -> str:
    """The key that is sent to a pager."""
    return str(json.loads(receiver.request(message()).body)["routing_key"])


def test_the_examples_of_the_file_fit(lake: Lake, tmp_path: Path) -> None:
    """Each that conf/receivers.toml shows; the secrets lie elsewhere here."""
    lines = (CONF / "receivers.toml").read_text().splitlines()
    shown = [line for line in lines if line.startswith("# [") or " = " in line]
    text = "\n".join(line.removeprefix("# ") for line in shown)
    (tmp_path / "secret").write_text("https://chat.example/key")
    for name in ("slack", "pagerduty", "smtp"):
        text = text.replace(f"/run/secrets/{name}", str(tmp_path / "secret"))
    assert {*receivers_of(asked(lake, tmp_path, text))} == {"slack", "on-call", "shop-team"}


@pytest.mark.parametrize("kind", sorted(kinds_of_receivers()))
def test_every_kind_is_described(kind: str) -> None:
    """In docs/receivers.md, with each key of its own; a module of `kinds` is all that one needs."""
    text = (CONF.parent / "docs" / "receivers.md").read_text()
    section = text.split(f"## {kind}\n")[1].split("\n## ")[0]
    shared = {*HttpReceiver.model_fields} - {"url", "url_file"}
    own = {*kinds_of_receivers()[kind].model_fields} - shared
    assert not [name for name in own if f"`{name}`" not in section]


def test_a_test_message_means_nothing() -> None:
    """Every kind can send one."""
    tables: Sequence[dict[str, Any]] = (
        CHAT,
        {"kind": "teams", "url": "https://flow.example/x"},
        {"kind": "pagerduty", "key": "R0UT1NGKEY"},
        {"kind": "alertmanager", "url": "http://127.0.0.1:9093"},
        {"kind": "webhook", "url": "http://127.0.0.1:1"},
    )
    for table in tables:
        assert "logpond can reach you" in json.dumps(posted(Message.of(nothing()), **table))
    assert msgspec.json.decode(nothing().body)["incident"] is None


def test_a_rule_brings_its_labels_and_runbook() -> None:
    """Each in the words of the receiver; the address ends neither a link nor its label."""
    told = message(OF_RULE)
    (slack,) = [block for block in posted(told, **CHAT)["blocks"] if block["type"] == "context"]
    link = "https://wiki.example.org/x?a=1&amp;b=2%7C3"
    assert slack["elements"][0]["text"] == f"<{link}|runbook>"
    assert "team=a &amp; b" in posted(told, **CHAT)["blocks"][0]["text"]["text"]

    teams = posted(told, kind="teams", url="https://chat.example/x")
    card = teams["attachments"][0]["content"]
    assert [one["url"] for one in card["actions"]] == [OF_RULE.runbook]
    pager = posted(told, kind="pagerduty", key="0123456789")
    assert [one["text"] for one in pager["links"]] == ["Runbook"]
    assert pager["payload"]["custom_details"]["labels"] == "service=shop, team=a & b"

    alerts = posted(told, kind="alertmanager", url="http://127.0.0.1:9093")
    assert {(one["labels"]["team"], one["labels"]["rule"]) for one in alerts} == {("a & b", "busy")}
    assert {one["annotations"]["runbook_url"] for one in alerts} == {OF_RULE.runbook}
    mail = made(
        kind="email",
        server="127.0.0.1:25",
        tls="none",
        sender="a@example.org",
        to=["b@example.org"],
    ).mail(told)
    assert "runbook: https://wiki.example.org/x" in mail.get_content().replace("=\n", "")
