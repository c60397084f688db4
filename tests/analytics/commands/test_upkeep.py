"""Upkeep by command and by SQL is the same."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from support.aging import three_days
from support.lakes import Lake, events

from analytics.commands import upkeep
from analytics.commands.upkeep import next_steps
from lakehouse.errors import SettingsError
from lakehouse.query.upkeep_statement import Optimize, Vacuum, parse
from lakehouse.terminal.commands import program

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
    found = CliRunner().invoke(program("analytics"), ["sql", sql, "--lake", worn.places.lake])
    assert "older versions are as they were" in found.stdout
    assert files(worn) == 1


def test_a_dry_run_says_that_nothing_went(worn: Lake) -> None:
    """In words that cannot be taken for a deletion."""
    words = ["logs", "--lake", worn.places.lake, "--dry-run"]
    assert "nothing was deleted" in CliRunner().invoke(upkeep.vacuum, words).stdout


def told(command: click.Command, lake: Lake, *words: str, given: str = "") -> Result:
    """What a command says on a lake, and how it ends."""
    return CliRunner().invoke(command, [*words, "--lake", lake.places.lake], input=given)


def states(result: Result) -> list[dict[str, Any]]:
    """Both states, out of the JSON."""
    found: list[dict[str, Any]] = json.loads(result.stdout)
    assert [row["when"] for row in found] == ["before", "after"]
    return found


@pytest.fixture
def aged(lake: Lake) -> Lake:
    """A lake whose records are of the 1st, the 8th and the 10th."""
    return three_days(lake)


def test_retain_shows_before_and_after(aged: Lake) -> None:
    """Rows, files, dates and versions of both states, for a program too."""
    before, after = states(told(upkeep.retain, aged, "logs", "--days", "2", "--format", "json"))
    assert (before["rows"], after["rows"]) == (18, 10)
    assert (before["dates"], after["dates"]) == (3, 2)
    assert after["version"] == before["version"] + 1
    assert before.keys() == {"when", "dates", *upkeep.SHAPE}


def test_retain_says_where_the_rows_are_still(aged: Lake) -> None:
    """Gone from the newest version is not gone from the disk."""
    said = told(upkeep.retain, aged, "logs", "--days", "1").stdout
    assert "2 dates from 2026-05-01 to 2026-05-08, 13 rows" in said
    assert "are gone; older versions hold them until a vacuum" in said


def test_a_dry_retain_says_what_would_go(aged: Lake) -> None:
    """Dates, rows and bytes, in words that cannot be taken for a deletion."""
    said = told(upkeep.retain, aged, "logs", "--days", "1", "--dry-run").stdout
    assert "13 rows" in said
    assert "would go; nothing was deleted" in said
    assert aged.count() == 18


def test_retain_with_nothing_to_do_says_so(aged: Lake) -> None:
    """And names the first date that it would keep."""
    said = told(upkeep.retain, aged, "logs", "--days", "30").stdout
    assert "no date before 2026-04-10 is there; nothing was deleted" in said


def test_restore_with_nobody_to_ask_is_refused(aged: Lake) -> None:
    """A script has to say --yes; exit code 2."""
    result = told(upkeep.restore, aged, "logs", "--version", "1")

    assert isinstance(result.exception, SettingsError)
    assert result.exception.exit_code == 2
    assert "from version 3 (18 rows) to version 1 (8 rows)?" in result.exception.what
    assert "--yes" in result.exception.remedy
    assert aged.count() == 18


def test_restore_asks_a_person(aged: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """No is no, and yes is yes."""
    monkeypatch.setattr(upkeep, "_is_somebody_there", lambda: True)

    assert told(upkeep.restore, aged, "logs", "--version", "1", given="n\n").exit_code == 1
    assert aged.count() == 18
    assert told(upkeep.restore, aged, "logs", "--version", "1", given="y\n").exit_code == 0
    assert aged.count() == 8


@pytest.mark.parametrize("form", ["table", "json"])
def test_restore_says_what_streams_must_do(aged: Lake, form: str) -> None:
    """A person and a program's log hear it; JSON stays JSON."""
    words = ("logs", "--version", "1", "--yes", "--format", form)
    result = told(upkeep.restore, aged, *words)

    assert "logpond recover ingest" in (result.stdout if form == "table" else result.stderr)
    if form == "json":
        before, after = states(result)
        assert (before["rows"], after["rows"], after["version"]) == (18, 8, 4)


@pytest.mark.parametrize(
    ("table", "next_"),
    [("logs", "recover ingest"), ("quarantine", "recover ingest"), ("traffic", "reconcile")],
)
def test_each_table_has_its_next_step(table: str, next_: str) -> None:
    """What comes from Kafka comes from there again; windows are recounted."""
    assert f"logpond {next_}" in next_steps(table, 3)


@pytest.mark.parametrize("name", ["detail", "optimize", "vacuum", "retain", "restore"])
def test_help_has_examples(name: str) -> None:
    """Each command shows itself in use."""
    command = getattr(upkeep, name)
    assert f"logpond {name}" in CliRunner().invoke(command, ["--help"]).stdout
