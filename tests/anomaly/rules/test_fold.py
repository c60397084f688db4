"""A rule is one function of the minutes, wherever it is stopped, and bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
import pytest
from support.own_rules import rule

from anomaly.engine.incident import Incident, start_of
from anomaly.rules.fold import MOST_GROUPS, MOST_OPEN, RuleFold, State
from anomaly.rules.rule import Rule
from anomaly.rules.tally import NO_ROWS, Group, Tallies

START = 29_000_000
Minutes = dict[int, dict[Group, dict[int, int]]]


def tallies(minutes: Minutes) -> Tallies:
    """What these minutes after the first one counted, by group and slot."""
    each = [
        (START + at, group, slot, n)
        for at in sorted(minutes)
        for group, slots in minutes[at].items()
        for slot, n in slots.items()
    ]
    groups = sorted({group for _, group, _, _ in each})
    number = {group: i for i, group in enumerate(groups)}
    columns = [(at, number[group], slot, n) for at, group, slot, n in each]
    return Tallies(groups, *(np.array(column, np.int64) for column in zip(*columns, strict=True)))


def judged(one: Rule, minutes: Minutes, end: int, fold: RuleFold | None = None) -> list[Incident]:
    """The incidents of a rule, as they are in the end."""
    return [*_final((fold or RuleFold(one)).fold(tallies(minutes), START, START + end)).values()]


def _final(changes: Iterator[Incident]) -> dict[str, Incident]:
    return {change.incident_id: change for change in changes}


def of_all(counts: Mapping[int, int]) -> Minutes:
    """Rows of one group by minute."""
    return {at: {(): {0: n}} for at, n in counts.items()}


def times(found: list[Incident]) -> list[tuple[int, int | None]]:
    """When incidents opened and closed, in minutes after the first one."""

    def minute(at: object) -> int | None:
        return None if at is None else int(at.timestamp()) // 60 - START  # type: ignore[attr-defined]

    return [(minute(one.opened) or 0, minute(one.closed)) for one in found]


def test_it_opens_above_its_bound_and_closes_five_minutes_later() -> None:
    """Twenty are not more than twenty; the window is five minutes."""
    one = rule("count > 20 in 5 min")
    assert judged(one, of_all({3: 20}), 60) == []
    assert times(judged(one, of_all({3: 20, 7: 1}), 60)) == [(7, 12)]
    assert times(judged(one, of_all({3: 20, 8: 1}), 60)) == []
    assert times(judged(one, of_all({3: 21}), 60)) == [(3, 12)]


def test_it_opens_again_soon_after_its_end() -> None:
    """Flapping is one incident; a later one is another."""
    one = rule("count > 20 in 5 min")
    (soon,) = judged(one, of_all({3: 21, 25: 21}), 90)
    assert "opened again" in soon.reasons
    assert len(judged(one, of_all({3: 21, 60: 21}), 120)) == 2


def test_the_numbers_are_those_of_its_worst_minute() -> None:
    """Whatever came after it."""
    (found,) = judged(rule("count > 20 in 5 min"), of_all({3: 21, 4: 40, 5: 1}), 60)
    assert (found.observed, found.expected, found.upper) == (62.0, 20.0, 20.0)
    assert found.reasons == ["62 rows in 5 min (> 20)"]


def test_an_incident_has_what_the_rule_says_of_it() -> None:
    """Severity, labels with the group's, runbook and message, from its opening to its end."""
    table = {
        "by": ["service", "user"],
        "severity": "critical",
        "labels": {"team": "shop"},
        "runbook": "https://example.org/x",
        "message": "look",
    }
    one = rule("count > 20 in 5 min", **table)
    (found,) = judged(one, {3: {("cart", "bob"): {0: 30}, ("cart", "eve"): {0: 2}}}, 60)
    assert (found.status, found.severity, found.rule) == ("closed", "critical", "mine")
    assert found.labels == ["service=cart", "team=shop", "user=bob"]
    assert (found.key, found.service, found.scope) == ("cart user=bob", "cart", "group")
    assert found.sentence == "cart user=bob: 30 rows in 5 min (> 20), rule mine: look"
    assert (found.config, found.runbook) == (one.hash, "https://example.org/x")


def test_silence_counts_from_a_whole_window() -> None:
    """A group that was seen, and then for twenty minutes not; nothing at all, from the start on."""
    by = rule("none in 20 min", by=["service"])
    rows: Minutes = {at: {("a",): {0: 1}, ("b",): {0: 1}} for at in range(30)}
    rows |= {at: {("a",): {0: 1}} for at in range(30, 80)}
    assert times(judged(by, rows, 80)) == [(49, None)]
    assert times(judged(rule("none where x in 20 min"), of_all({70: 1}), 80)) == [(19, 74)]


def test_too_few_are_told_too() -> None:
    """Of a group that was there for a whole window."""
    one = rule("count < 10 in 5 min", by=["service"])
    rows: Minutes = {at: {("a",): {0: 10 if at < 30 else 1}} for at in range(40)}
    assert times(judged(one, rows, 40)) == [(34, None)]


def test_a_budget_burns_in_both_windows() -> None:
    """What was an hour ago and is over is not told, nor what has just begun."""
    one = rule("burn of 99 % by status:5xx > 10 in 60 min and 5 min")
    bad: Minutes = {at: {(): {0: 90, 1: 10 if at < 10 else 0}} for at in range(100)}
    assert [when for when, _ in times(judged(one, bad, 100))] == []
    worse: Minutes = {at: {(): {0: 80, 1: 20 if 50 <= at < 90 else 0}} for at in range(200)}
    ((opened, closed),) = times(judged(one, worse, 200))
    assert 70 <= opened < 90
    assert closed is not None
    assert closed < 105


def test_at_least_so_many_rows() -> None:
    """One failure of one row is no share."""
    rows: Minutes = {3: {(): {1: 1}}}
    assert judged(rule("share of status:5xx > 5 % in 5 min"), rows, 60)
    assert not judged(rule("share of status:5xx > 5 % in 5 min", at_least=2), rows, 60)


WHENS = [
    "count > 30 in 5 min",
    "count < 4 in 7 min",
    "none in 4 min",
    "share of status:5xx > 30 % in 6 min",
    "burn of 90 % by status:5xx > 2 in 30 min and 4 min",
    "p90 of response_time > 2 in 9 min",
]


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("seed", range(5))
def test_where_it_is_stopped_changes_nothing(when: str, seed: int) -> None:
    """Minutes that come one by one or in parts, over snapshots, give the same incidents."""
    one, chance, end = rule(when, by=["service"]), np.random.default_rng(seed), 400
    slots = 40 if one.condition.slots.buckets else 2 if one.condition.slots.part else 1
    offset = 240 if slots == 40 else 0
    minutes: Minutes = {
        int(at): {
            (name,): {offset + int(chance.integers(slots)): int(chance.poisson(5)) + 1}
            for name in "abc"
            if chance.random() < 0.4 + 0.4 * (at % 100 > 50)
        }
        for at in range(end)
        if chance.random() < 0.8
    }
    minutes = {at: of for at, of in minutes.items() if of and not 200 <= at < 260}
    whole = judged(one, minutes, end)

    found, fold, at = dict[str, Incident](), RuleFold(one), 0
    while at < end:
        to = min(end, at + int(chance.integers(1, 40)))
        part = {minute: of for minute, of in minutes.items() if at <= minute < to}
        counted = tallies(part) if part else NO_ROWS
        found |= _final(fold.fold(counted, START + at, START + to))
        kept = msgspec.msgpack.decode(msgspec.msgpack.encode(fold.dump()), type=State)
        fold, at = RuleFold.load(one, kept), to
    assert [*found.values()] == whole
    assert whole or seed


def test_a_state_of_another_rule_is_refused() -> None:
    """It counted something else."""
    kept = RuleFold(rule("count > 1 in 5 min")).dump()
    with pytest.raises(ValueError, match="not"):
        RuleFold.load(rule("count > 2 in 5 min"), kept)


def test_ten_thousand_groups_are_bounded() -> None:
    """Those beyond are counted as not judged, and no more than a hundred incidents are open."""
    many: dict[Group, dict[int, int]] = {(f"g{n:05}",): {0: 5} for n in range(MOST_GROUPS + 500)}
    fold = RuleFold(rule("count > 1 in 5 min", by=["service"]))
    found = judged(fold.rule, {0: many, 1: many}, 3, fold)
    assert len(found) == MOST_OPEN
    assert len(fold.groups) == MOST_GROUPS
    assert fold.refused > 1000
    # and when they are over, there is room for others
    again = judged(fold.rule, {100: {("new",): {0: 5}}}, 110, fold)
    assert "new" in {one.key for one in again}


def test_years_without_a_row_are_passed_over() -> None:
    """An import of an old file and one of today: the minutes between are not looked at."""
    fold = RuleFold(rule("count > 20 in 5 min"))
    ten_years = 10 * 365 * 1440
    assert times(judged(fold.rule, of_all({3: 21, ten_years: 21}), ten_years + 60, fold)) == [
        (3, 12),
        (ten_years, ten_years + 9),
    ]
    assert start_of(fold.folded_to).year == start_of(START + ten_years + 59).year
