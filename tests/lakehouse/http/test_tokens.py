"""Named tokens: made, found, revoked; what is kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.http.tokens import FIRST, READ, Tokens


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Those of a new lake."""
    return Tokens(tmp_path / "lake" / "_state" / "tokens")


def test_what_is_kept_is_a_hash_for_the_owner_alone(tokens: Tokens) -> None:
    """The token itself is nowhere."""
    secret = tokens.create("alice", "read")
    (kept,) = tokens.folder.iterdir()
    assert secret not in kept.read_text()
    assert (kept.stat().st_mode & 0o777, tokens.folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_token_is_found_by_itself_alone(tokens: Tokens) -> None:
    """Whole."""
    secret = tokens.create("alice", "metrics")
    found = tokens.find(secret)
    assert found
    assert (found.name, found.covers("metrics"), found.covers("read")) == ("alice", True, False)
    assert [tokens.find(guess) for guess in ("", secret[:-1], f"{secret} ", "\udcff")] == [None] * 4


def test_another_process_sees_a_change(tokens: Tokens) -> None:
    """A running server is not told, and looks."""
    server = Tokens(tokens.folder)
    assert server.all() == []
    secret = tokens.create("alice", "read")
    assert server.find(secret)
    tokens.revoke("alice")
    assert server.find(secret) is None


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", ".a", "a" * 65, "é", "a\n"])
def test_a_name_is_no_path(tokens: Tokens, name: str) -> None:
    """It is part of one."""
    for refused in (lambda: tokens.create(name, "read"), lambda: tokens.revoke(name)):
        with pytest.raises(SettingsError):
            refused()


def test_a_name_is_taken_once(tokens: Tokens) -> None:
    """The token that there is stays."""
    secret = tokens.create("alice", "read")
    with pytest.raises(SettingsError, match="there is a token alice"):
        tokens.create("alice", "read")
    assert tokens.find(secret)
    assert len([*tokens.folder.iterdir()]) == 1


def test_the_first_one_is_made_once(tokens: Tokens) -> None:
    """Until nobody has one that reads."""
    assert tokens.find(tokens.first(READ))
    assert tokens.first(READ) == ""
    tokens.revoke(FIRST[READ])
    tokens.create("prometheus", "metrics")
    assert tokens.first(READ)


def test_what_is_no_token_is_passed_over(tokens: Tokens) -> None:
    """As a crash or a person may leave it."""
    tokens.create("alice", "read")
    for name, text in {"bob": "", "eve": "{}", "mal": '{"name": 1}'}.items():
        (tokens.folder / f"{name}.json").write_text(text)
    assert [token.name for token in tokens.all()] == ["alice"]
