"""A value is found where it is a word of its own, in whichever spelling."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.duck import connect
from lakehouse.erasure.request import Request
from lakehouse.errors import SettingsError

WORDS = st.text("ab1 .-@:/é'\\\"%_", max_size=12)
NAMES = st.text("ab1.-@é'%_ ", min_size=2, max_size=6).filter(lambda name: len(name.strip()) > 1)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("ann", True),
        ("login of ann failed", True),
        ("it was ann.", True),
        ("user=ann&a=b", True),
        ('{"user":"ann"}', True),
        ("anna", False),
        ("ann@example.org", False),
        ("mary-ann", False),
        ("joann", False),
        ("from 192.0.2.7:443", True),
        ("192.0.2.7.", True),
        ("192.0.2.71", False),
        ("1.192.0.2.7", False),
        ("192.0.2.7.1", False),
    ],
)
def test_a_word_of_its_own_is_found(text: str, is_found: bool) -> None:
    """Not a part of a longer name or of another address; in text and in bytes alike."""
    mentions = Request(users=("ann",), addresses=("192.0.2.7",)).mentions
    assert mentions.in_text(text) == mentions.in_bytes(text.encode()) == is_found


@pytest.mark.parametrize("written", [json.dumps("ann é@x"), quote("ann é@x", safe=""), "ann é@x"])
def test_other_spellings_are_found(written: str) -> None:
    """As JSON and addresses of pages write it."""
    assert Request(users=("ann é@x",)).mentions.in_text(f"a={written}&b")


@given(NAMES, WORDS, WORDS)
def test_engines_agree(name: str, before: str, after: str) -> None:
    """DuckDB finds in rows what Python finds in files."""
    mentions, text = Request(users=(name,)).mentions, f"{before}{name}{after}"
    with connect() as connection:
        ((found,),) = connection.execute(
            f"SELECT {mentions.sql('t')} FROM (SELECT $t AS t)", {"t": text}
        ).fetchall()
    assert found == mentions.in_text(text)
    assert not mentions.in_text(mentions.scrubbed(text))


@pytest.mark.parametrize(
    "wrong",
    [{}, {"users": ("",)}, {"users": ("x",)}, {"addresses": ("10.0.0",)}, {"where": "statux:5"}],
)
def test_a_request_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    """In words, before anything is looked at."""
    with pytest.raises(SettingsError):
        Request(**wrong).query  # type: ignore[arg-type]  # noqa: B018
