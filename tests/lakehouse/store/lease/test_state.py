"""A lease as states and events: who is sure of it when, and when a waiter may take it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.store.lease.state import (
    PATIENCE,
    Event,
    Found,
    Hold,
    Look,
    Phase,
    Released,
    Renewed,
    Unanswered,
    Verdict,
    Watch,
    after,
    watched,
)

TTL = 10.0
HELD = Hold("me", TTL, "v1", TTL)


def look(version: str | None, at: float, is_released: bool = False) -> Look:
    """A look that took a second."""
    return Look(version, is_released, TTL, at, at + 1)


def verdict(*looks: Look) -> Verdict:
    """What a waiter knows after these."""
    watch = Watch()
    for each in looks:
        watch = watched(watch, each)
    return watch.verdict


@pytest.mark.parametrize(
    ("looks", "known"),
    [
        ([look(None, 0)], Verdict.FREE),
        ([look("v1", 0, is_released=True)], Verdict.FREE),
        ([look("v1", 0)], Verdict.UNKNOWN),
        ([look("v1", 0), look("v1", 12)], Verdict.UNKNOWN),
        ([look("v1", 0), look("v1", 13.5)], Verdict.EXPIRED),
        ([look("v1", 0), look("v2", 13.5)], Verdict.HELD),
        ([look("v1", 0), look("v2", 5), look("v2", 14)], Verdict.HELD),
        ([look("v1", 0), look("v2", 5), look("v2", 19)], Verdict.EXPIRED),
        ([look("v1", 0), look("v2", 5), look(None, 6)], Verdict.FREE),
        # the waiter itself was frozen for an hour between two looks
        ([look("v1", 0), look("v2", 3600)], Verdict.HELD),
        ([look("v1", 0), look("v1", 3600)], Verdict.EXPIRED),
    ],
)
def test_what_a_waiter_knows(looks: list[Look], known: Verdict) -> None:
    """It takes what is free, or was not renewed for longer than its holder may wait."""
    assert verdict(*looks) is known


def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    """However long the answer took."""
    hold = after(HELD, Renewed("v2", began=4.0))
    assert (hold.version, hold.sure_until) == ("v2", 14.0)


def test_an_answer_that_comes_late_takes_no_time_away() -> None:
    """A renewal that began before another one."""
    assert after(HELD, Renewed("v2", began=-3.0)).sure_until == TTL


def test_nothing_is_sure_past_its_time() -> None:
    """Until a renewal is answered, also when nobody took it."""
    late = after(after(HELD, Unanswered()), Unanswered())
    assert [late.is_sure(now) for now in (9.9, 10.0)] == [True, False]
    assert after(late, Renewed("v2", began=30.0)).is_sure(39.0)


@pytest.mark.parametrize("nonce", ["me", None])
def test_what_was_lost_on_the_way_is_still_ours(nonce: str | None) -> None:
    """A renewal whose answer was lost, and an object that was deleted or is no lease."""
    hold = after(HELD, Found("v9", nonce))
    assert (hold.phase, hold.version, hold.sure_until) == (Phase.HELD, "v9", TTL)


def test_another_holder_ends_it_for_good() -> None:
    """A renewal that is answered later does not bring it back."""
    lost = after(HELD, Found("v9", "another"))
    assert after(after(lost, Renewed("v10", 5.0)), Found("v11", "me")).phase is Phase.LOST
    assert not lost.is_sure(0.0)


def test_what_is_released_stays_released() -> None:
    """A renewing thread that is late changes nothing."""
    done = after(HELD, Released())
    assert after(done, Renewed("v2", 5.0)) == done


events = st.one_of(
    st.builds(Renewed, st.text("v", max_size=2), st.floats(0, 100)),
    st.just(Unanswered()),
    st.builds(Found, st.none() | st.just("v"), st.sampled_from(["me", None, "another"])),
    st.just(Released()),
)


@given(st.lists(events, max_size=12))
def test_only_renewals_make_it_surer(happened: list[Event]) -> None:
    """Whatever happens in whatever order, it is sure at most a lease's time after the last."""
    hold = HELD
    for event in happened:
        hold = after(hold, event)
    last = max((e.began for e in happened if isinstance(e, Renewed)), default=0.0)
    assert hold.sure_until <= last + TTL


@given(st.lists(st.tuples(st.floats(0.01, 5), st.floats(0, 30)), min_size=1, max_size=12))
def test_a_waiter_takes_only_what_its_holder_is_past(pauses: list[tuple[float, float]]) -> None:
    """A holder renews, each answer taking its time, then is frozen; a waiter looks ever again.

    Both go by their own clocks, which stand at other times.
    """
    now, hold = 0.0, HELD
    for answer, pause in pauses:
        hold = after(hold, Renewed(f"v{now}", now))
        now += answer + min(pause, TTL / 3)
    ahead, watch = 1e6, Watch()
    while watch.verdict is not Verdict.EXPIRED:
        version = hold.version or ""
        watch = watched(watch, Look(version, False, TTL, now + ahead, now + ahead + 0.5))
        now += TTL / 7
    assert not hold.is_sure(now - TTL / 7)
    assert PATIENCE > 1
