"""The commands print what was asked to stdout, all else to stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events
from support.windows import Pond, at, logged

from lakehouse.errors import LogpondError
from lakehouse.terminal.commands import program


def run(lake: Lake, *words: str) -> Result:
    """One command on a lake."""
    return CliRunner().invoke(program("analytics"), [*words, "--lake", lake.places.lake])


def test_sql_prints_json_and_says_the_time_on_stderr(lake: Lake) -> None:
    """A program can read stdout whatever a person is told."""
    lake.put(events([0, 1]))
    words = ("SELECT COUNT(*) AS n FROM logs", "--as-of", "2100-01-01", "--format", "json")
    found = run(lake, "sql", *words)
    assert json.loads(found.stdout) == [{"n": 2}]
    assert found.stderr.splitlines() == [
        "as of 2100-01-01 00:00:00 UTC",
        "logs: version 1, as Delta keeps it",
    ]


def test_history_names_the_oldest_version(lake: Lake) -> None:
    """Also where the limit hides it."""
    lake.put(events([0, 1]))
    found = run(lake, "history", "logs", "--limit", "1")
    assert found.stdout.splitlines()[-1] == "oldest version still readable: 0"


def test_tables_are_for_people_or_programs(lake: Lake) -> None:
    """Sizes in words in a table, as numbers in JSON."""
    lake.put(events(range(1000)))
    people, programs = (run(lake, "tables", "--format", how).stdout for how in ("table", "json"))
    first: dict[str, Any] = json.loads(programs)[0]
    assert "1,000" in people
    assert "kB" in people
    assert first["rows"] == 1000
    assert first["bytes"] > 1000


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sql", "SELECT x FROM nix"), 4),
        (("sql", "DROP TABLE logs"), 2),
        (("history", "nix"), 4),
        (("sql", "SELECT nix FROM logs"), 2),
        (("sql", "SELECT 1", "--as-of", "25:99"), 2),
        (("sql", "SELECT 1", "--as-of", "nix"), 4),
        (("sql", "--where", "statux:5"), 2),
        (("sql", "SELECT 1", "--where", "status:5xx"), 2),
        (("sql",), 2),
    ],
)
def test_a_fault_has_its_exit_code(lake: Lake, words: tuple[str, ...], code: int) -> None:
    """As `lakehouse.errors` says."""
    lake.put(events([0]))
    fault = run(lake, *words).exception
    assert isinstance(fault, LogpondError)
    assert fault.exit_code == code


@pytest.mark.slow
def test_the_program_runs_by_itself(lake: Lake) -> None:
    """`python -m analytics`: a fault is words and an exit code, no trace."""
    words = [sys.executable, "-m", "analytics", "history", "logs", "--lake", lake.places.lake]
    found = subprocess.run(words, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (4, "")
    assert "make demo" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_asking_starts_no_jvm(lake: Lake) -> None:
    """Neither pyspark nor the settings of Spark are touched by the default engine."""
    lake.put(events([0]))
    code = (
        "import sys; from lakehouse.terminal.commands import program;"
        f"words = ['sql', 'SELECT 1 FROM logs', '--lake', {lake.places.lake!r}];"
        "program('analytics')(words, standalone_mode=False);"
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_where_alone_shows_the_newest_rows(lake: Lake) -> None:
    """What they say, newest first."""
    Pond(lake).arrive(logged([at(1), at(2)], method="GET", path=["/a", "/b"], status_code=500))
    found = run(lake, "sql", "--where", "status:5xx path:/*", "--format", "json")
    said = [row["message"] for row in json.loads(found.stdout)]
    assert (found.exit_code, said) == (0, ["GET /b", "GET /a"])


def test_a_fault_of_a_query_is_shown_below_it(lake: Lake) -> None:
    """With carets at its place, and what would fit."""
    found = run(lake, "sql", "--where", "service:a statux:5")
    assert "\n  service:a statux:5\n            ^^^^^^^\n" in str(found.exception)
