"""Every command: its group in the help, its name, its module, and what it does in one line.

This table is all that `logpond`, `python -m ROOM` and docs/commands.md are made of. It names
modules and imports none: a command's module is imported when the command is called. A command of
no group belongs to its room alone, as `python -m anomaly score`.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import NamedTuple, NoReturn

import click

from lakehouse.terminal.program import run


class Command(NamedTuple):
    """A row of the table."""

    group: str
    name: str
    module: str
    line: str


RUN, LOOK, FILES, INCIDENTS = "Run", "Look", "Files", "Incidents"
MEND, KEEP, MACHINE = "Prove and mend", "Keep", "This machine"
ALONE = ""

# in the order of use, which is the order of the help
COMMANDS = [
    Command(*row)
    for row in (
        (RUN, "up", "cli.commands.up", "Kafka, producer and ingest here, with a live screen."),
        (RUN, "produce", "producer.commands.produce", "Send log events to Kafka."),
        (RUN, "stream", "streaming.commands.stream", "Take records from Kafka into the tables."),
        (RUN, "gateway", "gateway.commands.gateway", "Take records by HTTP into Kafka."),
        (RUN, "import", "batch.commands.import_", "Bring log files into logs and quarantine."),
        (RUN, "detect", "anomaly.commands.lake", "Find incidents as they happen."),
        (RUN, "web", "analytics.commands.web", "Show the lake in a browser."),
        (RUN, "postgres", "analytics.commands.postgres", "Serve the tables to psql, Grafana, dbt."),
        (LOOK, "status", "analytics.commands.status", "Show queries, lag, incidents, tables."),
        (LOOK, "report", "analytics.commands.report", "Errors, hours, endpoints: ready questions."),
        (LOOK, "tail", "analytics.commands.tail", "Show log events as they come."),
        (LOOK, "sql", "analytics.commands.sql", "Ask any table, at any version or time."),
        (LOOK, "mcp", "cli.commands.mcp", "Serve tables and incidents to an agent."),
        (LOOK, "sources", "analytics.commands.sources", "List what is read, and how far."),
        (LOOK, "source", "analytics.commands.sources", "Try lines on a source."),
        (LOOK, "tables", "analytics.commands.tables", "List the tables of the lake."),
        (LOOK, "history", "analytics.commands.tables", "Show the versions of a table."),
        (LOOK, "tag", "analytics.commands.tables", "Name versions, which then stay readable."),
        (LOOK, "diff", "analytics.commands.status", "Show what two versions differ in."),
        (FILES, "discover", "batch.commands.discover", "Show what is in files, before import."),
        (FILES, "scan-cost", "batch.commands.scan", "Measure a question on files and on the lake."),
        (FILES, "files", "producer.commands.files", "Make files of logs for the file jobs."),
        (FILES, "aggregate", "batch.commands.aggregate", "Sum metrics by period, user and app."),
        (FILES, "watch-time", "batch.commands.watch_time", "Add up watch time, over large CSVs."),
        (FILES, "service-metrics", "batch.commands.service_metrics", "Find spikes of services."),
        (INCIDENTS, "anomalies", "anomaly.commands.lake", "List the incidents that were found."),
        (INCIDENTS, "explain", "anomaly.commands.lake", "Show what an incident was computed from."),
        (INCIDENTS, "incident", "anomaly.commands.incident", "Acknowledge, comment, resolve one."),
        (INCIDENTS, "analyze", "anomaly.commands.analyze", "Find incidents in all of the history."),
        (INCIDENTS, "rule", "anomaly.commands.rule", "Try, add and list rules of your own."),
        (INCIDENTS, "evaluate", "anomaly.commands.series", "Compare incidents with the truth."),
        (INCIDENTS, "backtest", "anomaly.commands.review", "Try other constants on the history."),
        (INCIDENTS, "alerts", "anomaly.commands.alerts", "Show what receivers got, what waits."),
        (INCIDENTS, "mute", "anomaly.commands.alerts", "Send no alerts of a key for a while."),
        (INCIDENTS, "unmute", "anomaly.commands.alerts", "Send alerts of a key again."),
        (MEND, "verify", "analytics.commands.verify", "Prove that nothing is lost or repeated."),
        (MEND, "reconcile", "analytics.commands.windows", "Recount windows with late rows."),
        (MEND, "rebuild", "analytics.commands.windows", "Make a rollup again from logs."),
        (MEND, "recover", "streaming.commands.stream", "Make a lost checkpoint anew from tables."),
        (MEND, "acknowledge-loss", "streaming.commands.stream", "Say that records are lost."),
        (MEND, "replay-quarantine", "streaming.commands.stream", "Decode quarantine after a fix."),
        (MEND, "restore", "analytics.commands.upkeep", "Bring an older version of a table back."),
        (KEEP, "detail", "analytics.commands.upkeep", "Show a table's size, and its versions."),
        (KEEP, "optimize", "analytics.commands.upkeep", "Merge a table's small files, sort rows."),
        (KEEP, "vacuum", "analytics.commands.upkeep", "Delete files that no version needs."),
        (KEEP, "retain", "analytics.commands.upkeep", "Delete the dates before the last N days."),
        (KEEP, "erase", "cli.commands.erase", "Erase what the lake holds of a person."),
        (KEEP, "upkeep", "streaming.commands.upkeep", "Do all of this once, as a stream does."),
        (MACHINE, "doctor", "cli.commands.doctor", "Check the machine and the lake."),
        (MACHINE, "token", "analytics.commands.token", "Make, list and revoke tokens to ask with."),
        (MACHINE, "spark-ui", "cli.commands.spark_ui", "Show what Spark did in runs that ended."),
        (MACHINE, "reset", "cli.commands.reset", "Delete topic, checkpoints and tables together."),
        (ALONE, "health", "streaming.commands.health", "Say whether the stream does its work."),
        (ALONE, "analytics", "streaming.commands.modes", "Show every report of the lake."),
        (ALONE, "optimize", "streaming.commands.modes", "Merge the small files of all tables."),
        (ALONE, "health", "anomaly.commands.health", "Say whether detection does its work."),
        (ALONE, "score", "anomaly.commands.series", "Score any series row by row."),
    )
]


def dashed(word: str) -> str:
    """A word as flags and commands are listed: `--from_datetime` is `--from-datetime`, too."""
    return word.replace("_", "-")


MODE = re.compile(r"--mode(=.*)?", re.DOTALL)
# Of every command of ours, and handed down to those below it. No help lists the underscores.
CONTEXT = {"max_content_width": 100, "token_normalize_func": dashed}


class Program(click.Group):
    """The commands of one room, or, with no room, all that have a group."""

    room = ""

    @property
    def rows(self) -> list[Command]:
        """Its rows of the table, in order."""
        if self.room:
            return [row for row in COMMANDS if row.module.startswith(f"{self.room}.")]
        return [row for row in COMMANDS if row.group != ALONE]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return [row.name for row in self.rows]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command, out of the module that holds it, which is imported now."""
        row = next((row for row in self.rows if row.name == name), None)
        if row is None:
            return None
        members = vars(importlib.import_module(row.module)).values()
        return next(one for one in members if isinstance(one, click.Command) and one.name == name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by group, without importing one."""
        for group in dict.fromkeys(row.group for row in self.rows):
            with formatter.section(group or f"Only as {ctx.command_path}"):
                lines = [(row.name, row.line) for row in self.rows if row.group == group]
                formatter.write_dl(lines, col_max=18)


def program(room: str) -> Program:
    """`python -m ROOM`, with the first words of the room as its help."""
    about = importlib.import_module(room).__doc__
    group = Program(room, help=about, context_settings=CONTEXT)
    group.room = room
    return group


def start(room: str, default: str = "") -> NoReturn:
    """Run `python -m ROOM` by the command line; where that names no command, the default one.

    A command can also be named as `--mode COMMAND`, wherever among the flags.
    """
    words = by_mode(sys.argv[1:])
    if default and (not words or (words[0].startswith("-") and words[0] != "--help")):
        words = [default, *words]
    run(program(room), f"python -m {room}", words)


def by_mode(words: list[str]) -> list[str]:
    """The words, with the command that `--mode` names in front of its flags."""
    at = next((n for n, word in enumerate(words) if MODE.fullmatch(word)), None)
    if at is None or not words[0].startswith("-"):
        return words
    before, (_, equals, named), after = words[:at], words[at].partition("="), words[at + 1 :]
    return [named, *before, *after] if equals else [*after[:1], *before, *after[1:]]
