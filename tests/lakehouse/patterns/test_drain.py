"""Templates of messages: variable parts are found, and all that is kept is bounded."""

from __future__ import annotations

import re

import pytest

from lakehouse.patterns import drain
from lakehouse.patterns.drain import Drain
from lakehouse.patterns.mask import MASKED


def templates(*messages: str) -> list[str]:
    """The templates that messages make, in the order of their first one."""
    of = Drain()
    for message in messages:
        of.template(message)
    return [str(template) for template in of.templates]


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        (["user ann logged in", "user bob logged in"], ["user <*> logged in"]),
        (["user ann logged in", "disk full"], ["user ann logged in", "disk full"]),
        (["a b c", "a b"], ["a b c", "a b"]),
        (["", ""], [""]),
        (["<*>", "<*>"], ["<*>"]),
        (["x y z <*>", "x y w <*>"], ["x y <*> <*>"]),
    ],
)
def test_words_that_differ_are_variables(messages: list[str], found: list[str]) -> None:
    """Where enough of the others are the same; a template is told once."""
    assert templates(*messages) == found


def test_there_are_no_more_templates_than_may_be() -> None:
    """What fits none of them is told to be in none."""
    of = Drain(most=2)
    found = [of.template(message) for message in ("one a", "two b c", "three d e f", "one a")]
    assert [template is None for template in found] == [False, False, True, False]


def test_first_words_are_bounded() -> None:
    """Names at the start of lines become one variable, after the first hundred."""
    names = [f"{chr(97 + n // 26)}{chr(97 + n % 26)} has logged in" for n in range(300)]
    assert len(templates(*names)) == drain.MOST_FIRST_WORDS + 1


def test_a_long_line_is_bounded() -> None:
    """Its end is one word."""
    of = Drain()
    template = of.template("x " * 5000)
    assert template
    assert len(template.words) == drain.MOST_WORDS + 1


def test_a_group_is_bounded() -> None:
    """Of lines that have nothing but their first word and their length in common."""
    found = templates(*(f"x a{n} b{n} c{n}" for n in range(300)))
    assert found == [f"x a{n} b{n} c{n}" for n in range(100)]


def test_hostile_lines_cost_a_bounded_number_of_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each a hundred templates of forty words, however many and however long they are."""
    compared = []

    def similarity(of: drain.Template, words: list[str]) -> float:
        compared.append(len(words))
        return 0.0

    monkeypatch.setattr(drain.Template, "similarity", similarity)
    templates(*(f"x {n} " + " ".join(f"{n}{at}" for at in range(500)) for n in range(1000)))
    assert len(compared) <= 1000 * drain.MOST_OF_A_GROUP * 2
    assert max(compared) == 41


SSHD = """
Failed password for root from 198.51.100.7 port 5011 ssh2
Failed password for root from 198.51.100.8 port 61 ssh2
Failed password for invalid user ann from 198.51.100.7 port 5012 ssh2
Failed password for invalid user bob from 198.51.100.9 port 5013 ssh2
Invalid user ann from 198.51.100.7
Invalid user bob from 198.51.100.9
reverse mapping checking getaddrinfo for a.example [198.51.100.7] failed - POSSIBLE BREAK-IN!
reverse mapping checking getaddrinfo for b.example [198.51.100.8] failed - POSSIBLE BREAK-IN!
"""


def test_lines_of_a_program_have_its_templates() -> None:
    """As its source has them."""
    masked = [re.sub(MASKED, "<*>", line) for line in SSHD.strip().splitlines()]
    assert templates(*masked) == [
        "Failed password for root from <*> port <*> ssh<*>",
        "Failed password for invalid user <*> from <*> port <*> ssh<*>",
        "Invalid user <*> from <*>",
        "reverse mapping checking getaddrinfo for <*> [<*>] failed - POSSIBLE BREAK-IN!",
    ]
