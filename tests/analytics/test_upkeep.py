"""Upkeep by command and by SQL is the same."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from lakes import Lake, events

from analytics import upkeep_commands as upkeep
from analytics.commands import analytics
from analytics.query.upkeep import Optimize, Vacuum, parse
from lakehouse.errors import SettingsError

FORMS = {
    "OPTIMIZE logs": Optimize("logs"),
    "optimize logs;": Optimize("logs"),
    "OPTIMIZE logs ZORDER BY (endpoint, status_code)": Optimize(
        "logs", ("endpoint", "status_code")
    ),
    "OPTIMIZE `logs` ZORDER BY endpoint": Optimize("logs", ("endpoint",)),
    "VACUUM logs": Vacuum("logs"),
    "VACUUM logs RETAIN 168 HOURS": Vacuum("logs", 168),
    "vacuum logs retain 24 hours dry run": Vacuum("logs", 24, True),
    "SELECT 'OPTIMIZE logs'": None,
}


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A lake whose one hour has three files."""
    for number in range(3):
        lake.put(events([number]), key=f"put-{number}")
    return lake


def files(lake: Lake) -> int:
    """How many files the table has, as the command says."""
    words = ["logs", "--lake", lake.places.lake, "--format", "json"]
    found = json.loads(CliRunner().invoke(upkeep.detail, words).stdout)
    return int(found[0]["files"])


@pytest.mark.parametrize("sql", FORMS, ids=str)
def test_the_forms_of_upkeep(sql: str) -> None:
    """Each form is understood; anything else is not upkeep."""
    assert parse(sql) == FORMS[sql]


@pytest.mark.parametrize(
    "sql", ["OPTIMIZE", "VACUUM logs RETAIN FOREVER", "OPTIMIZE a; OPTIMIZE b"]
)
def test_another_form_is_refused_with_the_right_one(sql: str) -> None:
    """Nothing is guessed where files may go."""
    with pytest.raises(SettingsError) as error:
        parse(sql)
    assert "logs" in error.value.remedy


def test_the_command_merges_and_shows_before_and_after(worn: Lake) -> None:
    """Figures of both states, for a program too."""
    assert files(worn) == 3
    words = ["logs", "--lake", worn.places.lake, "--format", "json"]
    before, after = json.loads(CliRunner().invoke(upkeep.optimize, words).stdout)
    assert (before["files"], after["files"]) == (3, 1)
    assert after["version"] == before["version"] + 1


def test_the_sql_form_merges_too(worn: Lake) -> None:
    """`OPTIMIZE logs` through `logpond sql` does what the command does."""
    sql = "OPTIMIZE logs ZORDER BY (endpoint, status_code)"
    found = CliRunner().invoke(analytics, ["sql", sql, "--lake", worn.places.lake])
    assert "older versions are as they were" in found.stdout
    assert files(worn) == 1


def test_a_dry_run_says_that_nothing_went(worn: Lake) -> None:
    """In words that cannot be taken for a deletion."""
    words = ["logs", "--lake", worn.places.lake, "--dry-run"]
    assert "nothing was deleted" in CliRunner().invoke(upkeep.vacuum, words).stdout
