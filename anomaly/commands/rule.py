"""Commands about rules of one's own: rule try, add, list, remove."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.paths import Places
from lakehouse.terminal import progress, render
from lakehouse.terminal.options import FORMAT, HUMANE, table_or_json, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from anomaly.rules.trial import Trial
    from lakehouse.settings import Settings

FILE = click.argument("file", type=click.Path(path_type=Path))
SINCE = click.option(
    "--since", default="30d", show_default=True, metavar="TIME", help="Replay from then on."
)
SECONDS = click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="Stop after so long, and show what was found by then.",
)
LISTED = ("rule", "state", "severity", "last_opened", "opened_30d", "when", "file")
MOST_LISTED = 30
READS: dict[str, Callable[[Any], str]] = {
    **HUMANE,
    "length": lambda minutes: f"{minutes:,} min",
    "last_opened": lambda at: HUMANE["time"](at) if at else "never",
    "timestamp": HUMANE["time"],
}


@click.group()
def rule() -> None:
    """Try rules of your own on what was, and keep them."""


@rule.command("try")
@click.argument("file", metavar="FILE|CONDITION")
@SINCE
@SECONDS
@table_or_json("a list with an object a rule: what it would have told, and sample rows")
@with_settings
def try_(settings: Settings, file: str, since: str, seconds: float, how: str) -> None:
    """Replay the rules of a file over the lake: how often they would have told, and when.

    Nothing is written. What closed minutes hold is counted from them, a month in seconds; what
    they do not is counted from the rows of logs, with a line of progress. TIME counts back from the
    newest minute. A rule that is switched off is replayed too. Instead of a file a condition may be
    given, as it stands behind `when`; groups follow behind `by`.

    \b
      logpond rule try billing.toml --since 30d
      logpond rule try "count where level:error service:billing > 20 in 5 min by host"
      logpond rule try billing.toml --format json
    """
    from anomaly.rules.folder import rules_named

    rules, places = rules_named(file), Places.of(settings)
    trials = [_replayed(places, one, since, seconds) for one in rules.values()]
    if how == "json":
        found = [_json(places, one) for one in trials]
        render.show(render.Rows.of_dicts(found, [*found[0]]), how, sys.stdout)
    else:
        for one in trials:
            _show(places, one)


@rule.command()
@FILE
@SINCE
@SECONDS
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def add(settings: Settings, file: Path, since: str, seconds: float, yes: bool) -> None:
    """Show what the rules of a file would have told, ask, and copy it to the folder of rules.

    A running detection takes it up with the next minute that is over, without a restart. A file of
    this name that is there already is replaced.

    \b
      logpond rule add billing.toml
      logpond rule add billing.toml --yes
    """
    from anomaly.rules.folder import folder_of, installed, the_rules_of

    rules, places, folder = the_rules_of(file), Places.of(settings), folder_of(settings)
    target = installed(file, rules, folder, is_trial=True)
    for one in rules.values():
        _show(places, _replayed(places, one, since, seconds))
    if not yes:
        click.confirm(f"add {', '.join(rules)} to {target}?", abort=True, err=True)
    installed(file, rules, folder)
    echo(f"{', '.join(rules)}: added to {target}; `logpond rule list` shows what becomes of it")


@rule.command("list")
@FORMAT
@with_settings
def list_(settings: Settings, how: str) -> None:
    """List the rules: whether they are on, their last incident, and those of the last 30 days.

    \b
    firing   an incident of it is open
    quiet    it is judged, and no incident is open
    off      enabled = false
    broken   a file does not fit: why is told behind `when`
    gone     it has an incident in the last 30 days, and is in no file any more

    \b
      logpond rule list
      logpond rule list --format json
    """
    from anomaly.lake.incidents import incidents_if_any
    from anomaly.rules.folder import folder_of, rules_in
    from anomaly.rules.overview import overview

    found = rules_in(folder_of(settings))
    rows = overview(found, incidents_if_any(Places.of(settings)), datetime.now(UTC))
    if not rows:
        echo("there is no rule: docs/rules.md says how to write one", err=True)
    columns = LISTED if how == "table" else [*LISTED, "by", "labels", "runbook"]
    render.show(render.Rows.of_dicts(rows, columns), how, sys.stdout, READS)


@rule.command()
@click.argument("name")
@with_settings
def remove(settings: Settings, name: str) -> None:
    """Delete the file of a rule, if it is the only one in it.

    Incidents that it raised stay; an open one closes when detection sees that the rule is gone.

    \b
      logpond rule remove billing-errors
    """
    from anomaly.rules.folder import folder_of, removed

    echo(f"{name}: {removed(name, folder_of(settings))} is deleted")


def _replayed(places: Places, one: Any, since: str, seconds: float) -> Trial:
    from anomaly.rules.trial import ends_at, replay
    from lakehouse.terminal.times import time as time_of

    first = time_of(since, ends_at(places), "--since")
    return replay(places, one, first, seconds, progress.now_and_then())


def _show(places: Places, trial: Trial) -> None:
    from anomaly.rules.trial import COLUMNS, sample_rows

    echo(trial.render())
    for note in trial.notes():
        echo(f"note: {note}", err=True)
    rows = trial.rows()
    if not rows:
        return
    shown = render.Rows.of_dicts(rows[-MOST_LISTED:], COLUMNS[1:])
    render.show(shown, "table", sys.stdout, READS)
    if len(rows) > MOST_LISTED:
        echo(f"{len(rows) - MOST_LISTED:,} earlier ones are in --format json", err=True)
    if samples := sample_rows(places, trial):
        echo("rows of the newest one:")
        render.show(render.Rows.of_dicts(samples, [*samples[0]]), "table", sys.stdout, READS)


def _json(places: Places, trial: Trial) -> dict[str, Any]:
    from anomaly.rules.trial import sample_rows

    return {**trial.summary(), "incidents": trial.rows(), "samples": sample_rows(places, trial)}
