"""Names of versions by command: given, listed, taken away, and used where a version is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events

from lakehouse.errors import SettingsError, TableError
from lakehouse.terminal.commands import program

COUNT = "SELECT count(*) AS n FROM logs"


def run(lake: Lake, *words: str) -> Result:
    """One command on a lake."""
    return CliRunner().invoke(program("analytics"), [*words, "--lake", lake.places.lake])


def found(lake: Lake, *words: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(run(lake, *words, "--format", "json").stdout)


@pytest.fixture
def grown(lake: Lake) -> Lake:
    """Versions 1 to 3 of `logs`; 1 has the name before-deploy."""
    lake.put(events([0]))
    run(lake, "tag", "logs", "before-deploy", "--note", "release 1.4")
    lake.put(events([1, 2]))
    lake.put(events([3]))
    return lake


def test_the_newest_version_gets_the_name(grown: Lake) -> None:
    """Unless another one is given, by number, name or time."""
    assert "version 3 of logs is after" in run(grown, "tag", "logs", "after").stdout
    run(grown, "tag", "logs", "same", "--version", "before-deploy")
    run(grown, "tag", "logs", "then", "--as-of", "2100-01-01")
    shown = {one["name"]: one["version"] for one in found(grown, "tag", "logs")}
    assert shown == {"after": 3, "before-deploy": 1, "same": 1, "then": 3}


def test_names_are_listed_with_what_they_are_for(grown: Lake) -> None:
    """Of one table, or of all."""
    (one,) = found(grown, "tag")
    assert (one["name"], one["table"], one["version"], one["note"]) == (
        "before-deploy",
        "logs",
        1,
        "release 1.4",
    )
    assert found(grown, "tag", "traffic") == []


def test_a_name_stands_where_a_version_does(grown: Lake) -> None:
    """In SQL, in a comparison, and to go back to."""
    assert found(grown, "sql", COUNT, "--version", "before-deploy") == [{"n": 1}]
    assert found(grown, "sql", COUNT, "--version", "2") == [{"n": 3}]
    assert found(grown, "diff", "logs", "before-deploy", "3")["rows_added"] == 3
    assert (
        "has the rows of version 1"
        in run(grown, "restore", "logs", "--version", "before-deploy", "--yes").stdout
    )
    assert found(grown, "sql", COUNT) == [{"n": 1}]


def test_a_name_is_taken_away(grown: Lake) -> None:
    """And is unknown then, in words."""
    assert "upkeep may delete" in run(grown, "tag", "logs", "before-deploy", "--delete").stdout
    assert found(grown, "tag") == []
    for words in (
        ("tag", "logs", "before-deploy", "--delete"),
        ("diff", "logs", "before-deploy", "2"),
    ):
        fault = run(grown, *words).exception
        assert isinstance(fault, TableError)
        assert "no version of logs has the name before-deploy" in fault.what


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("tag", "nix", "name"), TableError),
        (("tag", "logs", "12"), SettingsError),
        (("tag", "logs", "../../x"), SettingsError),
        (("tag", "logs", "one", "--version", "9"), TableError),
        (("tag", "logs", "one", "--version", "1", "--as-of", "-1m"), SettingsError),
        (("sql", COUNT, "--version", "-1"), SettingsError),
        (("sql", COUNT, "--version", "nix"), TableError),
        (("diff", "logs", "1", "2 3"), SettingsError),
    ],
)
def test_what_cannot_be_named_is_said(grown: Lake, words: tuple[str, ...], kind: type) -> None:
    """By an error with its remedy."""
    fault = run(grown, *words).exception
    assert isinstance(fault, kind), fault
