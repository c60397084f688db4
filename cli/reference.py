"""`python -m cli.reference`: makes docs/commands.md from the table of commands and flags."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cli.__main__ import logpond
from lakehouse.terminal import commands
from lakehouse.terminal.commands import Command, program
from lakehouse.terminal.render import echo

HEAD = """# Commands

Made by `make docs` from the table in `lakehouse/terminal/commands.py`: change that, not this.
`logpond COMMAND --help` explains each flag and has examples. Every command on a lake takes
`--lake DIR|URL`; those with `--format` answer as a table, JSON or CSV.

Exit codes: 0 ok, 1 it did not hold or failed, 2 settings or flags, 3 checkpoint, 4 table, 5 Kafka,
6 another process writes now (of `produce`: what was not sent is kept), 7 `produce` keeps records
that Kafka refused, 8 bucket.
A program runs by itself too: `python -m streaming recover ingest` is `logpond recover ingest`."""
EVERYWHERE = {"--help", "--lake", "--format"}


def document() -> str:
    """Returns the whole file: a table for each group, and one for programs by themselves."""
    groups = dict.fromkeys(row.group for row in commands.COMMANDS)
    tables = (
        _table(group, [row for row in commands.COMMANDS if row.group == group]) for group in groups
    )
    return "\n\n".join([HEAD, *tables]) + "\n"


def _table(group: str, rows: list[Command]) -> str:
    title = group or "Of one program alone"
    lines = [f"## {title}", "", "| command | what it does | flags |", "|---|---|---|"]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Command) -> str:
    room = row.module.partition(".")[0]
    group, prefix = (logpond, "logpond") if row.group else (program(room), f"python -m {room}")
    command = group.get_command(click.Context(group), row.name)
    assert command
    usage = " ".join([prefix, row.name, *_arguments(command)])
    flags = " ".join(f"`{flag}`" for flag in _flags(command))
    return f"| `{usage}` | {row.line} | {flags} |".replace("  ", " ")


def _arguments(command: click.Command) -> Iterator[str]:
    """Yields the arguments without a flag; optional ones are in brackets."""
    context = click.Context(command)
    yield from command.collect_usage_pieces(context)[1:]


def _flags(command: click.Command) -> Iterator[str]:
    options = (one for one in command.params if isinstance(one, click.Option))
    flags = (max(one.opts, key=len) for one in options)
    yield from (flag for flag in flags if flag not in EVERYWHERE)


if __name__ == "__main__":
    echo(document(), nl=False)
