"""The front door: quick, complete, and plain about faults."""

import importlib
import os
import subprocess
import sys

import click
import pytest

from cli.__main__ import COMMANDS, LazyGroup, logpond
from cli.groups import grouped

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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name: str) -> None:
    """A name in the table leads to a command that explains itself."""
    assert isinstance(logpond, LazyGroup)
    command = logpond.get_command(click.Context(logpond), name)
    assert command
    assert command.help


@pytest.mark.parametrize("program", ["analytics", "anomaly", "streaming"])
def test_a_program_by_itself_has_all_its_commands(program: str) -> None:
    """`python -m analytics X` is `logpond X`, for each X that analytics holds."""
    group = getattr(importlib.import_module(f"{program}.__main__"), program)
    held = {name for name, (module, _) in COMMANDS.items() if module.startswith(f"{program}.")}

    assert held <= {*group.commands}


def test_fault_is_words_and_a_code() -> None:
    """What a person can mend comes without a stack trace, with the code of its kind."""
    said = run("stream", LOGPOND_KAFKA_PARTITIONS="none")
    assert said.returncode == 2
    assert said.stderr.startswith("error: settings do not fit")
    assert "Traceback" not in said.stderr


def test_debug_shows_where() -> None:
    """LOGPOND_DEBUG=1 shows the stack trace."""
    assert "Traceback" in run("stream", "--bootstrap", "", LOGPOND_DEBUG="1").stderr


def test_completion_knows_commands() -> None:
    """A shell completes the names of commands."""
    said = run(_LOGPOND_COMPLETE="bash_complete", COMP_WORDS="logpond str", COMP_CWORD="1")
    assert "stream" in said.stdout


def test_every_command_is_listed_once() -> None:
    """Under what it is for, also one that no group names."""
    listed = [name for members in grouped([*COMMANDS, "new"]).values() for name in members]
    assert sorted(listed) == sorted([*COMMANDS, "new"])
    assert grouped([*COMMANDS, "new"])["More"] == ["new"]


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


def test_colours_are_for_terminals_only() -> None:
    """A pipe gets plain text."""
    assert "\x1b" not in run("--help").stdout + run("report").stdout
