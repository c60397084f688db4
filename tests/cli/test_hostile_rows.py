"""Every command over a lake and files full of hostile texts: none of it reaches a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.pages import NAUGHTY
from support.sites import nasty

from cli.__main__ import logpond
from lakehouse.errors import LogpondError
from lakehouse.terminal.commands import COMMANDS
from lakehouse.terminal.render import UNSAFE

pytestmark = pytest.mark.slow
NAME = "".join(text for text in NAUGHTY if "/" not in text)
# What is asked of each command; one command may be asked twice. FILES is a folder of hostile files.
ASKED = (
    "status",
    "report",
    "report top-errors",
    "tail --no-follow --lines 1000",
    "sql SELECT_FROM_logs",
    "sql SELECT_FROM_quarantine",
    "tables",
    "history logs",
    "tag logs NAME",
    "tag logs hostile --note NAME",
    "tag NAME NAME --delete",
    "tag",
    "diff logs 0 1",
    "diff logs NAME hostile",
    "discover FILES",
    "import FILES",
    "aggregate --input FILES --dry-run",
    "aggregate --input FILES --output FILES/result.csv",
    "scan-cost COUNT --raw FILES",
    "anomalies",
    "explain 0000000000000000",
    "explain NAME",
    "analyze",
    "evaluate FILES/labels.ndjson",
    "backtest",
    "alerts",
    "incident show NAME",
    "incident comment NAME NAME",
    "rule list",
    "rule try FILES/labels.ndjson",
    "rule try NAME",
    "mute NAME",
    "mute",
    "unmute NAME",
    "verify",
    "reconcile",
    "rebuild traffic",
    "restore logs --version 0",
    "detail logs",
    "optimize logs",
    "vacuum logs --dry-run",
    "retain --days 3000",
    "erase --user NAME --dry-run",
    "doctor",
    "token list",
    "source try web-logs",
    "sources",
    "reset",
)
# What needs a broker or Spark, serves until it is stopped, or makes what it prints itself.
NOT_ASKED = {
    "up",
    "produce",
    "stream",
    "detect",
    "gateway",
    "web",
    "postgres",
    "mcp",
    "files",
    "watch-time",
    "service-metrics",
    "recover",
    "acknowledge-loss",
    "replay-quarantine",
    "upkeep",
    "spark-ui",
    "health",
    "analytics",
    "score",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Hostile texts in every field of every table."""
    return nasty(tmp_path_factory.mktemp("nasty"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with hostile names and lines, one with a name that is no UTF-8."""
    folder = tmp_path_factory.mktemp("files")
    lines = "\n".join(NAUGHTY)
    for name in (f"{NAME}.csv", f"{NAME}.ndjson", "labels.ndjson"):
        (folder / name).write_text(f"{lines}\n")
    (folder / os.fsdecode(b"\xff\x1b.log")).write_text(f"{lines}\n")
    return folder


def words(asked: str, files: Path) -> list[str]:
    """The words of a command."""
    known = {"NAME": NAME, "COUNT": "SELECT service, count(*) FROM logs GROUP BY 1"}
    found = [word.replace("FILES", str(files)) for word in asked.split(" ")]
    return [known.get(word, word.replace("SELECT_FROM_", "SELECT * FROM ")) for word in found]


def test_each_command_is_asked_or_named() -> None:
    """A new command is tested the day it is added."""
    assert {one.split(" ")[0] for one in ASKED} | NOT_ASKED == {row.name for row in COMMANDS}


@pytest.mark.parametrize("asked", ASKED)
def test_no_command_prints_what_a_terminal_obeys(asked: str, lake: Lake, files: Path) -> None:
    """Neither on standard output nor on the other; what fails, fails in words."""
    env = {"LOGPOND_LAKE": lake.places.lake, "LOGPOND_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    lines = "\n".join(NAUGHTY)
    result = CliRunner(env=env).invoke(logpond, words(asked, files), input=lines)

    assert isinstance(result.exception, SystemExit | LogpondError | None), result.exception
    assert "Usage:" not in result.output
    assert set(UNSAFE.findall(result.output)) <= {"\n", "\t"}
