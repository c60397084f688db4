"""Patterns: one that is new or suddenly frequent is told; random text neither grows nor alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from string import ascii_lowercase

import msgspec
import pytest

from anomaly.engine.config import Config
from anomaly.engine.config import Patterns as Limits
from anomaly.engine.incident import Incident
from anomaly.patterns.fold import Patterns, State
from anomaly.patterns.minute import FREQUENT, NEW, MaskedLine, PatternMinute

START, DAY = 20_140 * 1440, 1440
SOON = Config(patterns=Limits(warm_minutes=60))
USUAL = {"user ann paid <*>": 6, "user bob paid <*>": 6, "sent <*> mails": 3}
BANK = "cannot reach bank at <*>"
Doing = Callable[[int], Mapping[str, int]]


def minutes(count: int, doing: Doing, is_severe: bool = True) -> list[PatternMinute]:
    """So many minutes of a service that does its usual, and more."""
    return [
        PatternMinute(
            START + at,
            [
                MaskedLine("billing", text, lines, lines if is_severe else 0)
                for text, lines in {**USUAL, **doing(at)}.items()
            ],
        )
        for at in range(count)
    ]


def folded(each: Iterable[PatternMinute], fold: Patterns | None = None) -> list[Incident]:
    """Every change that a fold hands out."""
    one = fold or Patterns(SOON)
    return [change for minute in each for change in one.fold(minute)]


def when(changes: Iterable[Incident], status: str = "open") -> list[tuple[str, str, int]]:
    """Which pattern, why, and in which minute it opened, or closed."""
    return [
        (one.key, one.direction, int((one.closed or one.opened).timestamp()) // 60 - START)
        for one in changes
        if one.status == status
    ]


def bank(first: int, end: int, lines: int = 10) -> Doing:
    """One more pattern for some minutes."""
    return lambda at: {BANK: lines} if first <= at < end else {}


def test_a_new_pattern_is_told_once_it_has_enough_lines() -> None:
    """In the minute in which it has twenty in five minutes; closed once it was quiet."""
    changes = folded(minutes(120, bank(80, 84)))

    assert when(changes) == [(f"billing {BANK}", NEW, 81)]
    assert when(changes, "closed") == [(f"billing {BANK}", NEW, 102)]
    assert "20 lines in 5 min, the first one 1 min ago" in changes[0].sentence


def test_what_stays_is_no_news() -> None:
    """It is usual then, and told no more."""
    changes = folded(minutes(300, bank(80, 300)))
    assert len(when(changes)) == 1
    assert len(when(changes, "closed")) == 1


@pytest.mark.parametrize(
    "each",
    [
        minutes(100, bank(50, 60)),
        minutes(100, bank(80, 90, lines=3)),
        minutes(100, bank(80, 90), is_severe=False),
        minutes(100, lambda at: {f"user {ascii_lowercase[at % 26] * 3} paid <*>": 30}),
    ],
    ids=["a service of an hour", "few lines", "lines of INFO", "names"],
)
def test_this_is_no_new_pattern(each: list[PatternMinute]) -> None:
    """Nothing is told."""
    assert folded(each) == []


def test_there_are_only_so_many_an_hour() -> None:
    """A new version that writes everything in other words: three are told, the rest is known."""
    words = ["alpha one", "beta two x", "gamma three y z", "delta", "eps a b c d", "zeta 1 2 3 4 5"]
    changes = folded(minutes(150, lambda at: dict.fromkeys(words, 25) if at >= 80 else {}))
    assert len(when(changes)) == 3


def test_a_pattern_that_is_suddenly_frequent_is_told() -> None:
    """Ten times as often, for a while; it is told what it was at most."""

    def often(at: int) -> Mapping[str, int]:
        return {"sent <*> mails": 30} if 200 <= at < 210 else {}

    changes = folded(minutes(260, often))
    assert when(changes) == [("billing sent <*> mails", FREQUENT, 201)]
    assert when(changes, "closed") != []
    assert "at most 15 in the last week" in changes[0].sentence


def test_a_new_level_is_usual() -> None:
    """What stays as frequent for half an hour is told once."""
    changes = folded(minutes(400, lambda at: {"sent <*> mails": 40} if at >= 200 else {}))
    assert len(when(changes)) == 1
    assert "new level" in changes[-1].reasons


@pytest.mark.slow
def test_what_comes_every_night_is_usual() -> None:
    """A job of ten minutes with a thousand lines each: four nights, and nothing is told."""

    def job(at: int) -> Mapping[str, int]:
        return {"item <*> is done": 1000} if 180 <= at % DAY < 190 else {}

    assert folded(minutes(4 * DAY, job, is_severe=False), Patterns(Config())) == []


def random_lines(seed: int) -> Doing:
    """Two hundred lines a minute, of nothing but random words."""
    draw = Random(seed)

    def lines(at: int) -> Mapping[str, int]:
        return {_line(draw): draw.choice((1, 1, 1, 40)) for _ in range(200)} if at >= 80 else {}

    return lines


def _line(draw: Random) -> str:
    words = range(draw.randrange(1, 12))
    return " ".join("".join(draw.choices(ascii_lowercase, k=6)) for _ in words)


def test_random_text_is_bounded() -> None:
    """Thousands of lines, each of its own: few are kept, and what is known stays known."""
    fold = Patterns(Config(patterns=Limits(warm_minutes=60, most=50)))
    told = when(folded(minutes(110, random_lines(1)), fold))
    kept = fold.dump().templates.known

    assert len(kept) == 50
    assert {" ".join(word or "<*>" for word in one.words) for one in kept} >= {"sent <*> mails"}
    assert len(told) <= SOON.patterns.new_an_hour
    assert fold.refused > 0


def test_random_text_of_single_lines_is_told_never() -> None:
    """No line comes twice."""
    fold = Patterns(SOON)
    lines = random_lines(2)
    assert folded(minutes(110, lambda at: dict.fromkeys(lines(at), 1)), fold) == []


def test_services_are_bounded() -> None:
    """Names that nobody used before: those that were seen longest stay."""
    fold = Patterns(Config(patterns=Limits(most_services=3)))
    for minute in minutes(20, lambda _at: {}):
        others = [MaskedLine(f"s{minute.at}-{n}", "x", 1) for n in range(5)]
        fold.fold(PatternMinute(minute.at, [*minute.each, *others]))

    assert len(fold.dump().templates.services) == 3
    assert "billing" in fold.dump().templates.services


@pytest.mark.parametrize("cut", [1, 79, 81, 83, 90, 205])
def test_a_restart_anywhere_changes_nothing(cut: int) -> None:
    """The state is all there is: also names, budgets, and the order of templates."""

    def doing(at: int) -> Mapping[str, int]:
        more = {"sent <*> mails": 30} if 200 <= at < 210 else {}
        return {**bank(80, 84)(at), f"user {at} paid <*>": 1, **more}

    each, fold = minutes(230, doing), Patterns(SOON)
    before = folded(each[:cut], fold)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(fold.dump()), type=State)

    assert before + folded(each[cut:], Patterns.load(SOON, kept)) == folded(each) != []


def test_a_state_without_patterns_is_loaded() -> None:
    """Of a lake that has requests alone."""
    fold = Patterns(SOON)
    folded([PatternMinute(START + at, []) for at in range(3)], fold)
    assert Patterns.load(SOON, fold.dump()).folded_to == START + 2
