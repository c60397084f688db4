"""Retention by command: what goes by each rule, and what `verify` and `status` say of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.aging import three_days
from support.lakes import Lake

from lakehouse.errors import SettingsError, TableError
from lakehouse.terminal.commands import program

RULES = {"LOGPOND_RETENTION_TABLES": '{"logs": 1, "quarantine": 30}'}


def run(lake: Lake, *words: str, **env: str) -> Result:
    """One command on a lake, with these settings."""
    return CliRunner(env=env).invoke(program("analytics"), [*words, "--lake", lake.places.lake])


def found(lake: Lake, *words: str, **env: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(run(lake, *words, "--format", "json", **env).stdout)


@pytest.fixture
def aged(lake: Lake) -> Lake:
    """Records 0-9 of the 1st (1 and 6 rejects), 10-14 of the 8th, 15-19 of the 10th."""
    return three_days(lake)


def test_each_rule_says_what_would_go(aged: Lake) -> None:
    """A row each, also where nothing goes; then it goes."""
    would = found(aged, "retain", "--dry-run", **RULES)
    assert [(one["rule"], one["days"], one["rows"]) for one in would] == [
        ("table logs", 1, 13),
        ("table quarantine", 30, 0),
    ]
    assert (would[0]["first"], aged.count()) == ("2026-05-09", 18)
    said = run(aged, "retain", **RULES).stdout
    assert "13 rows and copies" in said
    assert aged.count() == 5


@pytest.mark.slow
def test_verify_says_by_which_rule(aged: Lake) -> None:
    """In words, and for programs."""
    run(aged, "retain", "logs", **RULES)
    assert "of these went 13 by table logs" in run(aged, "verify").stdout
    assert found(aged, "verify")["retained_by"] == {"table logs": 13}


def test_without_rules_it_says_what_to_do(aged: Lake) -> None:
    """Nothing is guessed where rows may go."""
    for words, kind, env in (
        (("retain",), SettingsError, {}),
        (("retain", "nix"), TableError, RULES),
        (("retain",), SettingsError, {"LOGPOND_RETENTION_TABLES": '{"logs": 0}'}),
        (("retain",), SettingsError, {"LOGPOND_RETENTION_TABLES": '{"trafic": 3}'}),
    ):
        assert isinstance(run(aged, *words, **env).exception, kind)
    assert aged.count() == 18


def test_status_says_what_the_lake_weighs(aged: Lake) -> None:
    """For people in a line; in JSON with all figures."""
    nowhere = ("--bootstrap", "127.0.0.1:1")
    assert "more a day" in run(aged, "status", *nowhere).stdout
    weighs = found(aged, "status", *nowhere, **RULES)["forecast"]
    assert weighs["bytes"] > 0
    assert weighs["services"] == []
