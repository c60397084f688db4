"""Alerts reach a webhook that fails, hangs, dies and comes back; each is told once, or again."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.hooks import (
    CUTS,
    DRIPS,
    ENDED,
    ESCALATED,
    FIRST,
    HANGS,
    OPENED,
    WORSE,
    Receiver,
    alerts,
    changed,
    until,
)
from support.lakes import Lake

from anomaly.alerts.alert import Alert, Change, alert_of, event_of
from anomaly.alerts.kinds.webhook import signature
from anomaly.alerts.outbox import Outbox
from anomaly.alerts.sender import Backoff
from lakehouse.errors import SettingsError
from lakehouse.settings import CONF, load
from lakehouse.terminal.commands import program

SECRET = "0123456789abcdef"
MUTED = changed(muted=True)
CHILD = changed(parent="0123456789abcdef")
CHILD_THAT_SENDS = """
import sys, time
from support.hooks import OPENED, Receiver, alerts
from support.lakes import Lake
from pathlib import Path
receiver = Receiver()
receiver.port = int(sys.argv[2].split(":")[2].split("/")[0])
with alerts(Lake.at(Path(sys.argv[1]).parent), receiver, timeout_seconds=60) as held:
    held.take([OPENED])
    time.sleep(60)
"""
STORY = [OPENED, ESCALATED, ENDED]


@pytest.fixture
def receiver() -> Receiver:
    """A server that is not up yet, and takes everything."""
    held = Receiver()
    with held.listening():
        pass
    return held


@pytest.mark.parametrize(
    ("change", "was_sent", "event"),
    [
        (OPENED, False, "opened"),
        (ESCALATED, True, "escalated"),
        (ENDED, True, "closed"),
        (ENDED, False, None),
        (Change(None, ENDED.after), False, "closed"),
        (Change(ENDED.after, FIRST), True, "opened"),
        (Change(MUTED, WORSE), False, "opened"),
        (Change(WORSE, changed(WORSE, minutes=3)), True, None),
        (Change(None, CHILD), False, None),
        (Change(None, MUTED), False, None),
        (Change(FIRST, changed(WORSE, muted=True)), True, None),
        (Change(WORSE, changed(ENDED.after, muted=True)), True, "closed"),
        (Change(None, changed(ENDED.after, muted=True)), False, None),
    ],
)
def test_who_is_paged_is_told_when_it_opens_escalates_and_closes(
    change: Change, was_sent: bool, event: str | None
) -> None:
    """Children and muted ones are not; an end is told to whom the beginning was."""
    assert event_of(change, was_sent) == event


def test_an_alert_is_json_with_all_of_the_incident(lake: Lake, receiver: Receiver) -> None:
    """In order, each under a key of its own, with the token that was given."""
    with receiver.listening(), alerts(lake, receiver, token="t0ken") as open_alerts:
        open_alerts.take(STORY)
        until(lambda: len(receiver.taken) == 3)

    assert receiver.events == ["opened", "escalated", "closed"]
    assert receiver.taken[0]["incident"]["incident_id"] == FIRST.incident_id
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.asked]
    assert keys == [told["idempotency_key"] for told in receiver.taken]
    assert len({*keys}) == 3
    assert {headers["Authorization"] for headers, _ in receiver.asked} == {"Bearer t0ken"}


def is_ours(*given: Any) -> bool:
    """What docs/webhook.md tells people to do, as it stands there."""
    text = (CONF.parent / "docs" / "webhook.md").read_text()
    shown: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], shown)
    return bool(shown["is_ours"](*given))


def test_posts_are_signed_as_the_document_says(lake: Lake, receiver: Receiver) -> None:
    """Each try with its time; another body, secret or time is not ours."""
    receiver.answers = [500]
    with receiver.listening(), alerts(lake, receiver, secret=SECRET) as open_alerts:
        open_alerts.take([OPENED])
        until(lambda: len(receiver.taken) == 1)
    header, body = receiver.asked[1][0]["X-Logpond-Signature"], receiver.bodies[1]
    at = int(header.split(",")[0].removeprefix("t="))

    assert [is_ours(SECRET, h["X-Logpond-Signature"], body) for h, _ in receiver.asked] == [
        True
    ] * 2
    assert not is_ours(SECRET, header, body + b" ")
    assert not is_ours(SECRET[::-1], header, body)
    assert not is_ours(SECRET, header.replace(f"{at}", f"{at + 1}"), body)
    assert not is_ours(SECRET, signature(SECRET, body, at - 301), body)


def test_without_a_secret_nothing_is_signed(lake: Lake, receiver: Receiver) -> None:
    """There is no header that means nothing."""
    with receiver.listening(), alerts(lake, receiver) as open_alerts:
        open_alerts.take([OPENED])
        until(lambda: len(receiver.taken) == 1)
    assert "X-Logpond-Signature" not in receiver.asked[0][0]


@pytest.mark.parametrize("given", [{"token": "t0ken"}, {"secret": SECRET}])
@pytest.mark.parametrize(
    "host", ["example.org", "10.0.0.7", "127.0.0.1.example.org", "[2001:db8::1]"]
)
def test_no_secret_goes_in_the_clear(given: dict[str, str], host: str) -> None:
    """To another machine by https only; to this one as it likes. The message has no secret."""
    own = {f"webhook_{name}": value for name, value in given.items()}
    with pytest.raises(SettingsError, match="https") as refused:
        load(webhook_url=f"http://{host}/hook?key=s3cret", **own)

    assert not [text for text in ("s3cret", *given.values()) if text in str(refused.value)]
    for fine in (f"https://{host}/", "http://127.0.0.9:1/", "http://localhost/", "http://[::1]/"):
        assert load(webhook_url=fine, **own)
    assert load(webhook_url=f"http://{host}/")


def test_a_short_secret_is_refused() -> None:
    """Whoever got one post could guess it."""
    with pytest.raises(SettingsError, match="16 letters"):
        load(webhook_secret="short")


MARKUP = (
    "<!channel>",
    "<!here|here>",
    "<@U024BE7LH>",
    "@here",
    "@everyone",
    "<https://evil.example|fine>",
    "[fine](https://evil.example)",
    "![x](//evil.example/x.png)",
    "https://evil.example",
    "*bold*",
    "**bold**",
    "_it_",
    "~~gone~~",
    "`code`",
    "&lt;!channel&gt;",
    "||spoiler||",
)


@pytest.mark.parametrize("name", MARKUP)
def test_names_out_of_logs_are_no_markup(name: str) -> None:
    """In the text that chats show; the incident has the name as it is."""
    named = changed(service=name, sentence=f"{name} /user_settings: 412 requests, 1 in 10^50")
    sent = json.loads(alert_of(named, "opened").body)

    assert not re.search(r"[<>@*`~\[\]|]|://|(?<!\w)_|_(?!\w)|&(?!(?:amp|lt|gt);)", sent["text"])
    assert name not in sent["text"]
    assert sent["text"].endswith(" /user_settings: 412 requests, 1 in 10^50")
    assert sent["incident"]["service"] == name


@pytest.mark.slow
@pytest.mark.parametrize("answers", [[500, 503, 404], [HANGS], [CUTS, CUTS], [DRIPS], [429, 302]])
def test_what_is_not_taken_is_sent_again(
    lake: Lake, receiver: Receiver, answers: list[int]
) -> None:
    """Under the same key, until it is; then what waited behind it, in order."""
    receiver.answers = [*answers]
    with receiver.listening(), alerts(lake, receiver) as open_alerts:
        open_alerts.take(STORY)
        until(lambda: len(receiver.taken) == 3)

    assert receiver.events == ["opened", "escalated", "closed"]
    keys = [told["idempotency_key"] for _, told in receiver.asked]
    assert keys[: len(answers) + 1] == [keys[0]] * (len(answers) + 1)


def test_what_is_refused_for_good_is_counted_and_holds_nothing_up(
    lake: Lake, receiver: Receiver
) -> None:
    """A 422 says that no repetition helps."""
    receiver.answers, said = [422], list[str]()
    with receiver.listening(), alerts(lake, receiver, said.append) as open_alerts:
        open_alerts.take(STORY)
        until(lambda: len(receiver.taken) == 2)

    # where it was refused before the next one was taken up, that is the first that they hear
    assert receiver.events in (["escalated", "closed"], ["opened", "closed"])
    assert outbox(lake).counts()["refused"] == 1
    assert "422" in said[0]


def test_alerts_to_a_dead_webhook_wait_on_disk(lake: Lake, receiver: Receiver) -> None:
    """Through any number of runs, and are sent when it is back."""
    for change in STORY:
        with alerts(lake, receiver) as open_alerts:
            open_alerts.take([change])
    assert outbox(lake).counts()["waiting"] == 3

    with receiver.listening(), alerts(lake, receiver):
        until(lambda: len(receiver.taken) == 3)
    assert receiver.events == ["opened", "escalated", "closed"]
    assert outbox(lake).counts() == counted(sent=3)


def test_a_webhook_that_comes_back_is_noticed(lake: Lake, receiver: Receiver) -> None:
    """By the running program; it says once that it failed, and that it works again."""
    said: list[str] = []
    with alerts(lake, receiver, said.append) as open_alerts:
        open_alerts.take(STORY)
        until(lambda: said)
        with receiver.listening():
            until(lambda: len(receiver.taken) == 3)
            until(lambda: len(said) == 2)
    assert "fails" in said[0]
    assert "works again" in said[1]


def test_no_secret_is_told(lake: Lake, receiver: Receiver) -> None:
    """Neither the address, which may hold a key, nor the token, nor what posts are signed with."""
    receiver.answers, said = [500, CUTS, 422], list[str]()
    secrets = {"token": "t0ken", "secret": SECRET}
    with receiver.listening(), alerts(lake, receiver, said.append, **secrets) as open_alerts:
        open_alerts.take(STORY)
        until(lambda: len(receiver.taken) == 2)
    assert said
    assert not [line for line in said if re.search(f"s3cret|t0ken|{SECRET}", line)]


def test_a_restart_does_not_send_again_what_was_acknowledged(
    lake: Lake, receiver: Receiver
) -> None:
    """A fold that is repeated offers the same changes."""
    with receiver.listening():
        for _ in range(3):
            with alerts(lake, receiver) as open_alerts:
                open_alerts.take(STORY)
                until(lambda: not outbox(lake).counts()["waiting"])
    assert len(receiver.asked) == 3


@pytest.mark.slow
def test_a_killed_sender_loses_nothing(lake: Lake, receiver: Receiver) -> None:
    """Killed while it waits for the answer: sent again, under the same key."""
    receiver.answers = [HANGS]
    with receiver.listening():
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD_THAT_SENDS, lake.places.lake, receiver.url],
            env=importable(),
        )
        until(lambda: receiver.asked)
        child.kill()
        child.wait()
        with alerts(lake, receiver):
            until(lambda: not outbox(lake).counts()["waiting"])
    first, again = (told["idempotency_key"] for _, told in receiver.asked)
    assert first == again


def test_what_waits_is_bounded_and_what_is_dropped_counted(lake: Lake, receiver: Receiver) -> None:
    """The newest stay."""
    with alerts(lake, receiver, waiting_most=3) as open_alerts:
        each = [changed(incident_id=f"{number:016x}") for number in range(10)]
        open_alerts.take([Change(None, one) for one in each])
    assert outbox(lake).counts() == counted(waiting=3, dropped=7)

    with receiver.listening(), alerts(lake, receiver):
        until(lambda: len(receiver.taken) == 3)
    assert [told["incident"]["incident_id"] for told in receiver.taken] == [
        one.incident_id for one in each[7:]
    ]


def test_old_history_pages_nobody(lake: Lake, receiver: Receiver) -> None:
    """It is counted; what opened within the time is sent."""
    old = changed(minutes=-25 * 60)
    with receiver.listening(), alerts(lake, receiver) as open_alerts:
        open_alerts.take([Change(None, old), OPENED])
        until(lambda: receiver.taken)
    assert outbox(lake).counts() == counted(sent=1, old=1)


@pytest.mark.slow
def test_a_hanging_webhook_does_not_hold_up_who_offers(lake: Lake, receiver: Receiver) -> None:
    """All is on disk while the first is still under way."""
    receiver.answers = [HANGS]
    with receiver.listening(), alerts(lake, receiver) as open_alerts:
        open_alerts.take([OPENED])
        until(lambda: receiver.asked)
        open_alerts.take([ESCALATED, ENDED])
        assert (outbox(lake).counts()["waiting"], receiver.taken) == (3, [])
        until(lambda: len(receiver.taken) == 3)


def test_waits_grow_up_to_their_most() -> None:
    """Doubled with each failure, never above; a server that asks for more gets it."""
    backoff = Backoff(1.0, 60.0)
    waits = [backoff.after(failures) for failures in range(1, 12)]
    assert all(2**n / 2 <= wait <= 2**n for n, wait in enumerate(waits[:6]))
    assert max(waits) <= 60.0
    assert backoff.after(1, asked=30.0) == 30.0
    assert backoff.after(1, asked=1e9) == 60.0


def test_the_names_that_are_kept_are_bounded(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Years of alerts do not fill the disk."""
    monkeypatch.setattr("anomaly.alerts.outbox.ENDED_KEPT", 5)
    held = outbox(lake)
    for number in range(20):
        held.offer(Alert(f"{number:016x}-x", b"{}"))
        held.end(f"{number:016x}-x", "sent")
    with sqlite3.connect(lake.places.alerts("webhook")) as db:
        assert db.execute("SELECT count(*) FROM alerts").fetchone() == (5,)
    assert held.counts() == counted(sent=20)


def command(lake: Lake, receiver: Receiver, *words: str) -> Result:
    """`logpond alerts`, with the address from the environment."""
    given = ["alerts", "--lake", lake.places.lake, *words]
    return CliRunner(env={"LOGPOND_WEBHOOK_URL": receiver.url}).invoke(program("anomaly"), given)


def test_a_webhook_can_be_tried_out(lake: Lake, receiver: Receiver) -> None:
    """One alert that means nothing; what fails is told without the address."""
    receiver.answers = [200, 404]
    with receiver.listening():
        assert command(lake, receiver, "test", "webhook").output == "the receiver webhook took it\n"
        failed = command(lake, receiver, "test", "webhook").exception
    assert receiver.events == ["test"]
    assert "it answers 404" in str(failed)
    assert "s3cret" not in str(failed)


def test_what_waits_and_what_was_sent_is_shown(lake: Lake, receiver: Receiver) -> None:
    """A number each, of each receiver; before anything was kept, none."""
    named = {"receiver": "webhook", "kind": "webhook"}
    assert json.loads(command(lake, receiver, "--format", "json").output) == [named | counted()]
    with receiver.listening(), alerts(lake, receiver) as open_alerts:
        open_alerts.take(STORY)
        until(lambda: len(receiver.taken) == 3)
    until(lambda: outbox(lake).counts()["sent"] == 3)
    (row,) = json.loads(command(lake, receiver, "--format", "json").output)
    assert row == named | counted(sent=3)


def test_a_damaged_file_stops_nobody(lake: Lake) -> None:
    """It is moved aside, and a new one is begun."""
    file = Path(lake.places.alerts("webhook"))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database " * 1000)
    assert outbox(lake).offer(Alert("a", b"{}"))
    assert outbox(lake).counts() == counted(waiting=1)
    assert len([*file.parent.glob("alerts.sqlite.damaged-*")]) == 1


def importable() -> dict[str, str]:
    """An environment in which a child finds the project and the builders."""
    tests = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(tests.parent), str(tests)))}


def outbox(lake: Lake) -> Outbox:
    """What waits in a lake."""
    return Outbox(lake.places.alerts("webhook"), 1000)


def counted(**own: int) -> dict[str, int]:
    """Counts that are 0 but for these."""
    return {**dict.fromkeys(("waiting", "sent", "refused", "dropped", "old"), 0), **own}
