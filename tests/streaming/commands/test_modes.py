"""`python -m streaming --mode stream|analytics|optimize`, for whoever knows it so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.lakes import Lake, events

from lakehouse.terminal.commands import by_mode


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("--mode stream", "stream"),
        ("--mode=optimize --lake x", "optimize --lake x"),
        ("--lake x --mode analytics --since 24h", "analytics --lake x --since 24h"),
        ("--mode", ""),
        ("recover ingest", "recover ingest"),
        ("sql --mode", "sql --mode"),
        ("", ""),
    ],
)
def test_a_mode_is_a_command(words: str, meant: str) -> None:
    """Wherever it stands among the flags; where a command is named there is no mode."""
    assert by_mode(words.split()) == meant.split()


def run(lake: Lake, mode: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """The program by a mode, on a lake."""
    words = [sys.executable, "-m", "streaming", "--mode", mode, "--lake", lake.places.lake]
    return subprocess.run([*words, *flags], capture_output=True, text=True, check=False)


def test_stream_is_what_it_does_without_a_mode(tmp_path: Path) -> None:
    """With the same flags."""
    words = [sys.executable, "-m", "streaming", "--mode", "stream", "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.startswith("Usage: python -m streaming stream [OPTIONS]")


@pytest.mark.slow
def test_analytics_are_the_reports(lake: Lake) -> None:
    """All of them, each under its title; those whose table is not there are named."""
    lake.put(events(range(3), status_code=500))
    done = run(lake, "analytics")
    assert done.returncode == 0, done.stderr
    assert "Errors by endpoint" in done.stderr
    assert "/api/items/{id}" in done.stdout
    found = json.loads(run(lake, "analytics", "--format", "json").stdout)
    assert found["top-errors"][0]["errors"] == 3


@pytest.mark.slow
def test_optimize_merges_the_files_of_every_table(lake: Lake) -> None:
    """Fewer files, the same rows."""
    for number in range(3):
        lake.put(events([number]), key=f"put-{number}")
    done = run(lake, "optimize", "--format", "json")
    logs = next(row for row in json.loads(done.stdout) if row["table"] == "logs")
    assert (logs["files_before"], logs["files"], logs["rows"]) == (3, 1, 3)


def test_an_empty_lake_is_words(lake: Lake) -> None:
    """No table, no stack trace."""
    done = run(Lake.at(Path(lake.places.lake) / "none"), "optimize")
    assert "Traceback" not in done.stderr
    assert done.returncode == 4 or json.loads(done.stdout or "[]") == []
