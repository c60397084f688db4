"""What people did about incidents: none lost or doubled, whoever writes at once, dies, repeats."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from support.bucket import Bucket
from support.lakes import Lake

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.response import actions as module
from lakehouse.response.action import (
    ACKNOWLEDGED,
    COMMENTED,
    KINDS,
    MUTED,
    SETTLES,
    TEXT_MOST,
    Action,
    action,
    is_resolved,
    status_of,
)
from lakehouse.response.actions import Actions
from lakehouse.response.mutes import Mute, Mutes
from lakehouse.response.respond import history, respond
from lakehouse.store import durable, objects
from lakehouse.tables.incidents import CLOSED, OPEN, RESOLVED

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = SimpleNamespace(
    incident_id="00c0ffee00c0ffee", key="shop", scope="service", service="shop", severity="warning"
)


def did(kind: str = COMMENTED, text: str = "seen", **given: Any) -> Action:
    """Something that Ann did."""
    return action(kind, "ann", NOW, text, **given)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_kept_as_it_was_done(lake: Lake, kind: str) -> None:
    """With who, when and the severity of then."""
    until = NOW + HOUR if kind == MUTED else None
    done = respond(lake.places, ONE, did(kind, until=until))
    assert history(lake.places, ONE.incident_id) == [done]
    assert (done.kind, done.who, done.at, done.text) == (kind, "ann", NOW, "seen")
    assert done.severity == "warning"


def test_two_at_once_lose_nothing(lake: Lake) -> None:
    """Forty comments by eight writers: each once."""
    texts = [f"comment {n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        [*pool.map(lambda text: respond(lake.places, ONE, did(text=text)), texts)]
    assert sorted(one.text for one in history(lake.places, ONE.incident_id)) == sorted(texts)


@pytest.mark.slow
def test_two_at_once_lose_nothing_in_a_bucket(bucket: Bucket) -> None:
    """A real S3: each comment once, one that is sent again too; a mute is there for all."""
    places = Places.at(bucket.url)
    texts = [f"comment {n}" for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        [
            *pool.map(
                lambda text: respond(places, ONE, did(text=text, name=text.replace(" ", "-"))),
                texts * 2,
            )
        ]
    respond(places, ONE, did(MUTED, "noisy", until=NOW + HOUR))
    shown = [one.text for one in history(places, ONE.incident_id)]
    assert sorted(shown) == sorted([*texts, "noisy"])
    assert [*Actions(places).by_incident({ONE.incident_id, "another"})] == [ONE.incident_id]
    assert [mute.who for mute in Mutes(places).now(NOW)] == ["ann"]


def test_the_same_again_is_kept_once(lake: Lake) -> None:
    """Also by eight at once, as a page that is sent twice; what was first counts."""
    with ThreadPoolExecutor(8) as pool:
        kept = [*pool.map(lambda n: respond(lake.places, ONE, did(text=f"{n}", name="a")), "abcd")]
    assert len(set(kept)) == 1
    assert history(lake.places, ONE.incident_id) == kept[:1]


def test_a_mute_whose_writer_died_is_in_the_history(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the mute and its note: while it lasts, and after another took its place."""
    with monkeypatch.context() as dying:
        dying.setattr(Actions, "add", _dies)
        with pytest.raises(KeyboardInterrupt):
            respond(lake.places, ONE, did(MUTED, "noisy", until=NOW + HOUR))
    before = history(lake.places, ONE.incident_id)
    assert [(one.kind, one.text) for one in before] == [(MUTED, "noisy")]

    Mutes(lake.places).add(Mute("shop", NOW, NOW + 2 * HOUR, "another"))
    assert history(lake.places, ONE.incident_id) == before
    assert [mute.why for mute in Mutes(lake.places).now(NOW)] == ["another"]


def test_a_mute_that_is_over_or_lifted_stays_in_the_history(lake: Lake) -> None:
    """A repetition of it mutes nothing again."""
    done = did(MUTED, until=NOW + HOUR)
    respond(lake.places, ONE, done)
    Mutes(lake.places).remove("shop")
    respond(lake.places, ONE, done)
    assert Mutes(lake.places).now(NOW) == []
    assert [one.kind for one in history(lake.places, ONE.incident_id)] == [MUTED]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"text": "x" * (TEXT_MOST + 1)}, "the most"),
        ({"text": "x" * (1 << 20)}, "the most"),
        ({"text": " \n "}, "empty"),
        ({"name": "../../x"}, "id"),
    ],
)
def test_what_is_no_action_is_refused(given: dict[str, str], fault: str) -> None:
    """In words."""
    with pytest.raises(SettingsError, match=fault):
        did(**given)


def test_no_text_moves_a_terminal() -> None:
    """Lines stay, control characters and turned text do not; nor is a name more than a line."""
    done = action(COMMENTED, "a\nn\x1b[31mn" + "x" * 99, NOW, "one\r\ntwo\x00\x1b[31m\u202e<b>")
    assert done.text == "one\ntwo\ufffd\ufffd[31m\ufffd<b>"
    assert "\n" not in done.who
    assert "\x1b" not in done.who
    assert len(done.who) <= 64
    assert "\n" not in done.line


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "%2e", "\x00"])
def test_an_id_is_no_path(lake: Lake, name: str) -> None:
    """Nothing is written anywhere."""
    with pytest.raises(SettingsError):
        Actions(lake.places).add(name, did())
    assert Actions(lake.places).of(name) == []


def test_what_is_no_action_there_is_passed_over(lake: Lake) -> None:
    """Its number stays taken."""
    root = lake.places.actions
    durable.put(lake.places, root, f"{ONE.incident_id}/000001.json", b"\xff{")
    objects.put(objects.store(root), f"{ONE.incident_id}/note.txt", b"{}")
    kept = respond(lake.places, ONE, did())
    assert history(lake.places, ONE.incident_id) == [kept]
    assert Actions(lake.places).by_incident({ONE.incident_id}) == {ONE.incident_id: [kept]}


def test_an_incident_has_so_many_at_most(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that runs wild is told, and fills nothing."""
    monkeypatch.setattr(module, "MOST", 3)
    for n in range(3):
        respond(lake.places, ONE, did(text=f"{n}"))
    with pytest.raises(SettingsError, match="the most"):
        respond(lake.places, ONE, did(text="3"))
    assert len(history(lake.places, ONE.incident_id)) == 3


@pytest.mark.parametrize(
    ("severity", "after", "resolved"),
    [
        ("warning", timedelta(), True),
        ("info", timedelta(), True),
        ("warning", SETTLES, True),
        ("critical", timedelta(), False),
        ("warning", SETTLES + timedelta(minutes=1), False),
        ("unheard of", timedelta(), False),
    ],
)
def test_a_resolve_is_believed_for_a_while(
    lake: Lake, severity: str, after: timedelta, resolved: bool
) -> None:
    """Not once it is worse, or goes on."""
    done = [respond(lake.places, ONE, did(RESOLVED))]
    assert is_resolved(done, severity, NOW + after) is resolved
    assert status_of(OPEN, done, severity, NOW + after) == (RESOLVED if resolved else OPEN)
    assert status_of(CLOSED, done, severity, NOW) == CLOSED


def test_history_as_of_a_time(lake: Lake) -> None:
    """What came later is not there."""
    respond(lake.places, ONE, did(ACKNOWLEDGED))
    assert history(lake.places, ONE.incident_id, NOW - HOUR) == []
    assert len(history(lake.places, ONE.incident_id, NOW)) == 1


def _dies(*_: Any) -> Action:
    raise KeyboardInterrupt
