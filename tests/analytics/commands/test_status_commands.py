"""The commands `status` and `diff`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events

from analytics.commands.status import diff, status

NOWHERE = ("--bootstrap", "127.0.0.1:1")


def run(command: click.Command, lake: Lake, *words: str) -> Result:
    """One command on a lake."""
    return CliRunner().invoke(command, [*words, "--lake", lake.places.lake])


def test_status_says_what_is_down(running: Lake) -> None:
    """For a person in words, with exit code 1."""
    found = run(status, running, *NOWHERE)
    assert found.exit_code == 1
    assert "127.0.0.1:1 does not answer" in found.stdout
    assert "2 records in quarantine" in found.stdout
    assert found.stdout.splitlines()[1].split()[:3] == ["ingest", "no", "unknown"]


def test_status_as_json_is_one_object(running: Lake) -> None:
    """All of it, and whether all is well."""
    found: dict[str, Any] = json.loads(run(status, running, *NOWHERE, "--format", "json").stdout)
    assert [query["name"] for query in found["queries"]] == ["ingest", "windows", "minutes"]
    assert found["is_well"] is False
    assert {table["name"] for table in found["tables"]} == {"logs", "quarantine"}


@pytest.mark.parametrize("how", ["table", "csv"])
def test_diff_shows_partitions(lake: Lake, how: str) -> None:
    """With what was added and removed in each."""
    lake.put(events(range(3)))
    found = run(diff, lake, "logs", "0", "1", "--format", how).stdout
    assert "date=2026-05-01/hour=11" in found
    assert ("3 added, 0 removed" in found) == (how == "table")


def test_diff_as_json_is_one_object(lake: Lake) -> None:
    """Backwards too."""
    lake.put(events(range(3)))
    found = json.loads(run(diff, lake, "logs", "1", "0", "--format", "json").stdout)
    assert (found["rows_added"], found["rows_removed"]) == (0, 3)


@pytest.mark.slow
def test_no_jvm_is_started(running: Lake) -> None:
    """Nor is pyspark imported."""
    code = (
        "import sys; from analytics.commands.status import status as s, diff as d\n"
        f"where = ['--lake', {running.places.lake!r}]\n"
        "d(['logs', '0', '1', *where], standalone_mode=False)\n"
        "try: s(['--bootstrap', '127.0.0.1:1', *where], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
