"""The fold finds trouble, says it once, survives a restart anywhere, and lets the quiet be."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.watched import LEVELS, START, folded, histogram, minute_of, opened, shop

from anomaly.engine.config import Config, Keys
from anomaly.engine.engine import Engine, State
from anomaly.engine.minute import Key, Minute, Minutes

CART, LOGIN = Key("shop", "/cart"), Key("auth", "/login")


def spike(at: int, key: Key, one: Minute) -> Minute:
    """Four times the requests of one endpoint, for ten minutes."""
    hit = key == CART and 100 <= at < 110
    return replace(one, requests=one.requests * 4) if hit else one


def silence(at: int, key: Key, one: Minute) -> Minute:
    """A service that stops."""
    return replace(one, requests=0) if key == LOGIN and at >= 100 else one


def failing(at: int, key: Key, one: Minute) -> Minute:
    """A third of the answers are server errors, everywhere."""
    return replace(one, server_errors=one.requests // 3) if 100 <= at < 110 else one


def slow(at: int, key: Key, one: Minute) -> Minute:
    """One endpoint answers in seconds."""
    hit = key == CART and 100 <= at < 110
    return replace(one, latency=histogram([2000.0] * 40)) if hit else one


@pytest.mark.slow
def test_a_quiet_day_raises_nothing() -> None:
    """Poisson traffic, errors and latency as ever: no incident."""
    assert folded(shop(1440)) == []


@pytest.mark.parametrize(
    ("change", "key", "measure", "direction", "within"),
    [
        (spike, "shop /cart", "traffic", "up", 2),
        (silence, "auth /login", "traffic", "down", 3),
        (failing, "shop /cart", "server_errors", "up", 2),
        (slow, "shop /cart", "latency", "up", 4),
    ],
)
def test_trouble_is_found(change, key: str, measure: str, direction: str, within: int) -> None:
    """Each kind opens an incident of its key within minutes."""
    found = [
        one
        for one in opened(folded(shop(120, change)))
        if (one.key, one.measure, one.direction) == (key, measure, direction)
    ]

    assert [100 <= minute_of(one) < 100 + within for one in found] == [True]


def test_silence_is_critical() -> None:
    """Three minutes without a request on a key that had many."""
    last = folded(shop(110, silence))[-1]

    assert (last.severity, last.direction) == ("critical", "down")


def test_a_row_changes_only_on_open_escalation_and_close() -> None:
    """An incident of ten minutes is told a few times, not every minute; severity only rises."""
    told = [one for one in folded(shop(180, spike)) if one.key == "shop /cart"]
    ranks = ["info", "warning", "critical"]

    assert 2 <= len(told) <= 4
    assert [one.status for one in told] == ["open"] * (len(told) - 1) + ["closed"]
    assert sorted(told, key=lambda one: ranks.index(one.severity)) == told


def test_the_surprise_at_opening_is_frozen() -> None:
    """What it was at opening stays; its peak does not fall."""
    told = [one for one in folded(shop(180, spike)) if one.key == "shop /cart"]

    assert len({one.surprise_opened for one in told}) == 1
    assert [one.surprise_peak for one in told] == sorted(one.surprise_peak for one in told)


def test_what_is_everywhere_is_one_incident_with_children() -> None:
    """All endpoints fail: everything has an incident, the others are its children."""
    first = opened(folded(shop(120, failing)))
    top = next(one for one in first if one.scope == "global")

    assert top.parent == ""
    assert {one.parent for one in first if one.scope == "endpoint"} == {top.incident_id}


def test_a_wide_incident_names_who_made_it() -> None:
    """The endpoint that spikes is the contributor to its service."""
    service = next(one for one in folded(shop(120, spike)) if one.key == "shop")

    assert service.contributors[0].name == "shop /cart"
    assert service.contributors[0].share > 0.8


@pytest.mark.slow
def test_what_stays_is_the_new_level() -> None:
    """After half an hour it is closed, and nothing opens again."""

    def doubled(at: int, key: Key, one: Minute) -> Minute:
        return replace(one, requests=one.requests * 3) if at >= 100 else one

    told = folded(shop(400, doubled))

    assert {"new level"} <= {reason for one in told for reason in one.reasons}
    assert all(minute_of(one) < 110 for one in opened(told))


def test_a_breach_soon_after_opens_the_same_again() -> None:
    """Twenty minutes after its close: the same incident, not another."""

    def twice(at: int, key: Key, one: Minute) -> Minute:
        hit = key == CART and (100 <= at < 106 or 135 <= at < 141)
        return replace(one, requests=one.requests * 4) if hit else one

    told = [one for one in folded(shop(200, twice)) if one.key == "shop /cart"]

    assert len({one.incident_id for one in told}) == 1
    assert [one.status for one in told].count("closed") == 2


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 170))
def test_a_restart_anywhere_changes_nothing(stop: int) -> None:
    """Dump, through bytes, load: the rest of the fold hands out the same."""
    minutes = list(shop(180, lambda at, key, one: spike(at, key, failing(at, key, one))))
    whole, first = folded(minutes), Engine(Config())
    before = folded(minutes[:stop], first)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.dump()), type=State)

    assert before + folded(minutes[stop:], Engine.load(Config(), kept)) == whole


def test_a_state_is_not_changed_by_going_on() -> None:
    """What was dumped stays what it was."""
    minutes, one = list(shop(130, spike)), Engine(Config())
    folded(minutes[:105], one)
    kept = one.dump()
    bytes_then = msgspec.msgpack.encode(kept)
    folded(minutes[105:], one)

    assert msgspec.msgpack.encode(kept) == bytes_then


def test_a_state_of_other_constants_is_refused() -> None:
    """It was learned by other rules."""
    kept = Engine(Config()).dump()

    with pytest.raises(ValueError, match="configuration"):
        Engine.load(Config(keys=Keys(most=5)), kept)


def test_a_minute_that_was_folded_changes_nothing() -> None:
    """Minutes at or before the last one are let alone."""
    minutes, one = list(shop(120, spike)), Engine(Config())
    folded(minutes, one)
    then = msgspec.msgpack.encode(one.dump())

    assert folded(minutes, one) == []
    assert msgspec.msgpack.encode(one.dump()) == then


def test_order_within_a_minute_does_not_matter() -> None:
    """Rows come as a table has them."""
    minutes = list(shop(130, spike))
    turned = [_turned(each) for each in minutes]

    assert folded(turned) == folded(minutes)


def _turned(each: Minutes) -> Minutes:
    held = each.latency
    rows = [
        Minute(
            each.at,
            key,
            int(each.requests[i]),
            int(each.client_errors[i]),
            int(each.server_errors[i]),
            dict(
                zip(
                    held.bucket[held.start[i] : held.start[i + 1]].tolist(),
                    held.count[held.start[i] : held.start[i + 1]].tolist(),
                    strict=True,
                )
            ),
        )
        for i, key in enumerate(each.keys)
    ]
    return Minutes.of(rows[::-1])


def test_hours_without_any_row_are_no_silence() -> None:
    """A busy lake that was switched off and on raises nothing."""
    minutes = [each for each in shop(400) if not 100 <= each.at - START < 300]

    assert folded(minutes) == []


def test_keys_beyond_the_most_are_counted() -> None:
    """Held are as many as allowed, the rest is refused and counted."""
    one = Engine(Config(keys=Keys(most=3)))
    folded(shop(3), one)

    assert (len(one.keys.listed), one.keys.refused > 0) == (3, True)


def test_an_idle_key_is_forgotten() -> None:
    """After its time, and only it."""
    one = Engine(Config(keys=Keys(idle_minutes=60)))
    folded(shop(240, lambda at, key, m: replace(m, requests=0) if key == CART and at else m), one)

    assert set(LEVELS) - set(one.keys.listed) == {CART}


def test_what_came_and_went_before_it_was_judged_is_no_drop() -> None:
    """A key that was busy for ten minutes, and silent long before it is warm."""

    def visit(at: int, key: Key, one: Minute) -> Minute:
        return one if key != CART or at < 10 else replace(one, requests=0)

    assert [one for one in folded(shop(120, visit)) if one.key == "shop /cart"] == []
