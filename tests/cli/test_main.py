"""The front door: quick, complete, and plain about faults."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from analytics import commands
from cli import reference
from cli.__main__ import logpond
from lakehouse.terminal.commands import COMMANDS, Command, program

HEAVY = ("pyspark", "duckdb", "deltalake", "pyarrow", "confluent_kafka", "faker", "pydantic")


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`logpond` as a process."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_help_imports_no_program() -> None:
    """The help comes at once, for it loads nothing heavy."""
    probe = "import sys, cli.__main__ as m; m.logpond(['--help'], standalone_mode=False);"
    probe += f"print('HEAVY', [name for name in {HEAVY} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert said.stdout.endswith("HEAVY []\n"), said


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: f"{row.module}:{row.name}")
def test_every_command_is_there_and_has_help(row: Command) -> None:
    """A row of the table leads to a command that explains itself, in its room's program."""
    room = program(row.module.partition(".")[0])
    command = room.get_command(click.Context(room), row.name)
    assert command
    assert command.help


def test_every_command_of_a_group_has_one_name() -> None:
    """`logpond` has no two commands of a name."""
    assert len({row.name for row in logpond.rows}) == len(logpond.rows)


@pytest.mark.parametrize(
    "words",
    [
        ["aggregate", "--from_datetime", "soon"],
        ["watch_time", "--dry_run", "--shuffle_partitions", "none"],
        ["files", "metrics", "--logs_per_day", "none"],
    ],
)
def test_every_flag_answers_to_underscores(words: list[str]) -> None:
    """Commands and those below them too; help lists the dashes only."""
    said = CliRunner().invoke(logpond, words)
    assert "No such" not in said.output
    assert said.exit_code
    assert not re.search(r"--\w+_", CliRunner().invoke(logpond, [words[0], "--help"]).output)


@pytest.mark.parametrize(
    "room", ["producer", "streaming", "batch", "anomaly", "analytics", "gateway"]
)
def test_a_program_by_itself_lists_its_commands(room: str) -> None:
    """`python -m ROOM --help` has those of its room, and is made of the same table."""
    words = [sys.executable, "-m", room, "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in told.splitlines() if line.startswith("  ")}
    assert {row.name for row in program(room).rows} <= listed
    assert told.startswith(f"Usage: python -m {room}")


def test_the_name_of_the_project_runs_too() -> None:
    """`python -m logpond` is `logpond`."""
    words = [sys.executable, "-m", "logpond", "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told == run("--help").stdout


NEW = """
import click
from lakehouse.terminal.options import with_places

@click.command()
@with_places
def hello(places):
    "Greet a lake."
    click.echo(f"hello, {places.lake}")
"""


def test_a_command_is_a_module_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files are touched; the help, both programs and the document follow."""
    (tmp_path / "greeting.py").write_text(NEW)
    monkeypatch.setattr("analytics.commands.__path__", [*commands.__path__, str(tmp_path)])
    row = Command("Look", "hello", "analytics.commands.greeting", "Greet a lake.")
    monkeypatch.setattr("lakehouse.terminal.commands.COMMANDS", [*COMMANDS, row])

    for group in (logpond, program("analytics")):
        told = CliRunner().invoke(group, ["hello", "--lake", "/pond"])
        assert told.output == "hello, /pond\n"
        assert "Greet a lake." in CliRunner().invoke(group, ["--help"]).output
    assert "| `logpond hello` | Greet a lake. | |" in reference.document()


def test_the_document_of_commands_is_that_of_the_table() -> None:
    """docs/commands.md is what `make docs` writes."""
    assert (Path(__file__).parents[2] / "docs" / "commands.md").read_text() == reference.document()


def test_fault_is_words_and_a_code() -> None:
    """What a person can mend comes without a stack trace, with the code of its kind."""
    said = run("stream", LOGPOND_KAFKA_PARTITIONS="none")
    assert said.returncode == 2
    assert said.stderr.startswith("error: settings do not fit")
    assert "Traceback" not in said.stderr


@pytest.mark.slow
def test_debug_shows_where() -> None:
    """LOGPOND_DEBUG=1 shows the stack trace."""
    assert "Traceback" in run("stream", "--bootstrap", "", LOGPOND_DEBUG="1").stderr


def test_completion_knows_commands() -> None:
    """A shell completes the names of commands."""
    said = run(_LOGPOND_COMPLETE="bash_complete", COMP_WORDS="logpond str", COMP_CWORD="1")
    assert "stream" in said.stdout


def test_the_examples_of_the_help_are_commands() -> None:
    """With options that they have."""
    text = run("--help").stdout
    shown = [line.split() for line in text.splitlines() if line.strip().startswith("logpond ")]
    assert len(shown) > 10
    for _, name, *words in shown:
        command = logpond.get_command(click.Context(logpond), name)
        assert command
        known = {flag for param in command.params for flag in param.opts}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("report top", "top-errors"),
        ("history lo", "logs"),
        ("diff qua", "quarantine"),
        ("sql --engine sp", "spark"),
        ("up --back", "--backfill"),
    ],
)
def test_completion_knows_reports_tables_and_flags(words: str, found: str) -> None:
    """What may stand there, also where there is no lake."""
    last = len(words.split())
    said = run(
        _LOGPOND_COMPLETE="bash_complete",
        COMP_WORDS=f"logpond {words}",
        COMP_CWORD=str(last),
        LOGPOND_LAKE="/nowhere",
    )
    assert found in said.stdout, said.stderr


@pytest.mark.slow
def test_colours_are_for_terminals_only() -> None:
    """A pipe gets plain text."""
    assert "\x1b" not in run("--help").stdout + run("report").stdout
