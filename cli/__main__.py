"""`logpond`: the front door. A command's program is imported only when it is called."""

from __future__ import annotations

import importlib

import click

from cli.groups import grouped
from lakehouse.terminal.program import run

# name: (module, what it does in one line)
COMMANDS = {
    "up": ("cli.stack.up", "Kafka, producer and ingest on this machine, with a live screen."),
    "produce": (
        "producer.commands.produce",
        "Send log events to Kafka: synthetic, incidents, replay.",
    ),
    "files": ("producer.commands.files", "Make files of logs for the file jobs."),
    "stream": ("streaming.commands.stream", "Take records from Kafka into logs and quarantine."),
    "discover": ("batch.commands.discover", "Show what is in files, before importing them."),
    "import": ("batch.commands.import_", "Bring log files into logs and quarantine."),
    "scan-cost": ("batch.commands.scan", "Measure a question on raw files and on the lake."),
    "sql": ("analytics.commands.sql", "Ask any table, at any version or time."),
    "report": ("analytics.commands.report", "Errors, hours, endpoints, ...: a ready question."),
    "aggregate": (
        "batch.commands.aggregate",
        "Sum metrics by period, user and app, from files.",
    ),
    "tail": ("analytics.commands.tail", "Show log events as they come."),
    "status": ("analytics.commands.status", "Show queries, lag, late rows, incidents, tables."),
    "tables": ("analytics.commands.sql", "List the tables of the lake."),
    "history": ("analytics.commands.sql", "Show the versions of a table."),
    "diff": ("analytics.commands.status", "Show what two versions of a table differ in."),
    "web": ("analytics.commands.web", "Show the lake in a browser."),
    "service-metrics": (
        "batch.commands.service_metrics",
        "Response times, errors and spikes of services, from files.",
    ),
    "verify": ("analytics.commands.sql", "Prove that nothing is lost or repeated."),
    "detail": ("analytics.commands.upkeep", "Show what a table weighs, and how far back it goes."),
    "optimize": (
        "analytics.commands.upkeep",
        "Merge the small files of a table, and order its rows.",
    ),
    "vacuum": ("analytics.commands.upkeep", "Delete files that no kept version needs."),
    "retain": ("analytics.commands.upkeep", "Delete the dates before the last N days."),
    "restore": ("analytics.commands.upkeep", "Bring an older version of a table back."),
    "detect": ("anomaly.commands.lake", "Find incidents as they happen."),
    "analyze": ("anomaly.commands.lake", "Find incidents in all of the history."),
    "anomalies": ("anomaly.commands.lake", "List the incidents that were found."),
    "evaluate": ("anomaly.commands.series", "Set incidents against what was staged, or injected."),
    "explain": ("anomaly.commands.lake", "Show what an incident was computed from."),
    "backtest": ("anomaly.commands.review", "Set what other constants would find beside it."),
    "mute": ("anomaly.commands.alerts", "Tell nobody about a key for a while."),
    "unmute": ("anomaly.commands.alerts", "Tell about a key again."),
    "alerts": ("anomaly.commands.alerts", "Show what was sent to the webhook, and what waits."),
    "reconcile": ("analytics.commands.windows", "Count windows again for which rows came late."),
    "rebuild": ("analytics.commands.windows", "Make a rollup again from logs."),
    "upkeep": ("streaming.commands.upkeep", "Do once what keeps tables healthy; a stream does."),
    "recover": ("streaming.commands.stream", "Make a lost checkpoint anew from the tables."),
    "spark-ui": ("cli.spark_ui", "Show what Spark did in runs that are over."),
    "replay-quarantine": ("streaming.commands.stream", "Decode quarantine again, after a fix."),
    "watch-time": (
        "batch.commands.watch_time",
        "Add up watch time per user and region, over large CSV files.",
    ),
    "doctor": ("cli.doctor.doctor", "Check the machine and the lake, and say what to do."),
    "reset": ("cli.reset.reset", "Delete topic, checkpoints and tables together."),
}


class LazyGroup(click.Group):
    """Knows the names and first lines of its commands, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return [name for members in grouped(COMMANDS).values() for name in members]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command, out of the module that holds it."""
        if name not in COMMANDS:
            return None
        held = vars(importlib.import_module(COMMANDS[name][0])).values()
        return next(c for c in held if isinstance(c, click.Command) and c.name == name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lists of commands, by what a person is after, without importing one."""
        for group, members in grouped(COMMANDS).items():
            with formatter.section(group):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in members], col_max=18)


@click.group(cls=LazyGroup, context_settings={"max_content_width": 100})
@click.version_option(package_name="logpond")
def logpond() -> None:
    """A real-time lakehouse for logs: Kafka in, Delta tables out.

    \b
    Is this machine fit? Then everything on it, with two hours of history; Ctrl-C ends it:
      logpond doctor
      logpond up --backfill 2h
    In a second terminal: what runs, what goes wrong, and since when?
      logpond status
      logpond tail --status 5xx
      logpond report top-errors --since 1h
      logpond web
      logpond anomalies --open
      logpond sql "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
    As it was before, and what has changed since; is it all there, once?
      logpond sql "SELECT COUNT(*) AS rows FROM logs" --as-of "10 minutes ago"
      logpond history logs
      logpond diff logs 3 9
      logpond verify
    Each program by itself, on a Kafka of your own:
      logpond produce --bootstrap kafka:9092 --rate 2000
      logpond stream --bootstrap kafka:9092 --lake /data/lake
    Complete commands, reports and tables with TAB (zsh_source, fish_source alike):
      eval "$(_LOGPOND_COMPLETE=bash_source logpond)"

    Settings: conf/logpond.toml, then LOGPOND_* (LOGPOND_LAKE, LOGPOND_KAFKA_BOOTSTRAP, ...), then
    flags. `logpond COMMAND --help` has examples of each; LOGPOND_DEBUG=1 shows stack traces.
    """


def main() -> None:
    """Run a command."""
    run(logpond, "logpond")


if __name__ == "__main__":
    main()
