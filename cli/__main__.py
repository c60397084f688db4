"""`logpond`: the front door. A command's program is imported only when it is called."""

from __future__ import annotations

import click

from lakehouse.terminal.commands import CONTEXT, Program
from lakehouse.terminal.program import run


@click.group(cls=Program, context_settings=CONTEXT)
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
