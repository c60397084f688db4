"""Alerts of a lake in a bucket, a real S3: another machine goes on with what was not sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.bucket import Bucket

from anomaly.alerts.alert import Alert
from anomaly.alerts.outbox import REFUSED, SENT, Outbox
from lakehouse.paths import Places
from lakehouse.store import objects

pytestmark = pytest.mark.slow

ONE, TWO, THREE = (Alert(f"{name}-opened", name.encode()) for name in ("one", "two", "three"))
On = Callable[[str], Outbox]


@pytest.fixture
def on(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> On:
    """The outbox as a process on a machine of that name opens it: what is not far is its own."""

    def opened(machine: str) -> Outbox:
        (tmp_path / machine).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / machine)
        return Outbox.of(Places.at(bucket.url), "webhook", 10)

    return opened


def copy(bucket: Bucket) -> tuple[object, str]:
    """The store of the copies, and the name of the webhook's."""
    return objects.store(Places.at(bucket.url).outboxes), "alerts.sqlite"


def test_another_machine_goes_on(on: On) -> None:
    """It sends what was not sent, and takes nothing again that was offered."""
    first = on("a")
    assert first.offer(ONE)
    assert first.offer(TWO)
    first.end(ONE.name, SENT)
    second = on("b")
    assert second.next() == TWO
    assert second.counts() == {"waiting": 1, "sent": 1, "refused": 0, "dropped": 0, "old": 0}
    assert (second.offer(ONE), second.offer(TWO)) == (False, False)
    assert second.newest("one") == ONE.name


def test_a_machine_that_was_frozen_takes_nothing_back(on: On) -> None:
    """What it writes late is added to what the other one did meanwhile."""
    frozen = on("a")
    frozen.offer(ONE)
    other = on("b")
    other.end(ONE.name, SENT)
    other.offer(TWO)
    frozen.offer(THREE)
    assert frozen.next() == TWO or frozen.next() == THREE
    third = on("c")
    waiting = []
    while found := third.next():
        waiting.append(found)
        third.end(found.name, REFUSED)
    assert sorted(waiting) == sorted([TWO, THREE])
    assert third.counts()["sent"] == 1


def test_a_bucket_that_is_away_holds_no_alert_up(
    on: On, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next change takes along what it did not hear of."""
    first = on("a")

    def away(*_: object) -> None:
        raise OSError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "swap", away)
        assert first.offer(ONE)
    assert first.next() == ONE
    assert on("b").next() is None
    first.offer(TWO)
    assert on("c").next() == ONE


def test_an_answer_that_was_lost_is_no_second_alert(
    on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy was put, and nobody heard: the next change finds its own."""
    first, swap = on("a"), objects.swap

    def unheard(*given: object) -> None:
        swap(*given)  # type: ignore[arg-type]
        raise OSError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "swap", unheard)
        first.offer(ONE)
    first.offer(TWO)
    first.end(ONE.name, SENT)
    assert on("b").next() == TWO
    assert on("b").counts()["waiting"] == 1


def test_a_damaged_copy_is_replaced(on: On, bucket: Bucket) -> None:
    """No damage there stops detection."""
    at, name = copy(bucket)
    objects.put(at, name, b"SQLite format 3\0 and then nothing that is one")
    first = on("a")
    assert first.offer(ONE)
    assert on("b").next() == ONE


def test_counts_are_those_of_the_copy_where_nothing_is_on_this_machine(
    on: On, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`logpond alerts` on the machine of a person."""
    on("a").offer(ONE)
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    places = Places.at(bucket.url)
    assert Outbox.counts_of(places, "webhook", 10)["waiting"] == 1
    assert Outbox.counts_of(places, "slack", 10)["waiting"] == 0
