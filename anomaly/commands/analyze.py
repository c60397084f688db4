"""The command that judges the history of a lake: analyze."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anomaly.commands.lake import COLUMNS, METHOD, SINCE, minutes_table, say_none, show, time_of
from anomaly.commands.review import show_change
from anomaly.commands.series import CONFIG, constants
from lakehouse.paths import Places
from lakehouse.terminal import progress
from lakehouse.terminal.options import FORMAT, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from anomaly.alerts.alert import Change
    from anomaly.engine.config import Config
    from anomaly.engine.incident import Incident
    from anomaly.lake.history import Closed, Judged
    from anomaly.rules.parts import RuleFault
    from anomaly.rules.rule import RuleSet
    from lakehouse.settings import Settings

RUNS = (
    "detection runs: its minutes and incidents stay as they are; what came late for it is judged "
    "beside them now, and once more with them by the first `logpond analyze` after it has stopped"
)


@click.command()
@with_settings
@CONFIG
@FORMAT
@SINCE
@click.option("--until", metavar="TIME", help="Only what opened before.")
@click.option("--version", metavar="N|NAME", help="Of `logs_windowed` at this version.")
@METHOD
@click.option("--compare", is_flag=True, help="With `anomalies`: what would go, stay, come.")
@click.option("--dry-run", is_flag=True, help="Write nothing: judge the minutes that are closed.")
@click.option("--summary", is_flag=True, help="Only say in a line what was found and changed.")
def analyze(
    settings: Settings,
    config: Path | None,
    how: str,
    method: str,
    since: str | None,
    until: str | None,
    version: str | None,
    compare: bool,
    dry_run: bool,
    summary: bool,
) -> None:
    """Judge all of the history, without Spark: what `detect` finds in it, or would find.

    Minutes that are missing are closed first, and those with late rows counted again, however the
    rows came. What `anomalies` lacks is written there, marked `of_past` and posted to nobody; what
    late rows changed is told as a correction. With --config, --method or --compare only minutes are
    written: `anomalies` stays as it was raised. While detection runs, incidents are only added,
    where rows came late for it.

    The fold always starts at the first minute that is kept; --since and --until (RFC 3339, a
    date, '24 hours ago' or -24h) select what is shown.

    \b
      logpond import access.log --no-judge && logpond analyze
      logpond analyze --since -24h
      logpond analyze --since 2026-05-01 --until 2026-05-02 --config other.toml --format json
      logpond analyze --method zscore
      logpond analyze --config other.toml --compare
    """
    from anomaly.lake.fold import analyse
    from lakehouse.query.pinned import version_of
    from lakehouse.tables.rollups import MINUTES

    places, judged_by = Places.of(settings), constants(config)
    between = time_of(since, "--since"), time_of(until, "--until")
    judged: list[Incident] | None = None
    if not dry_run and version is None:
        is_trial = compare or bool(config) or method != "surprise"
        judged = _judged(settings, places, judged_by, is_trial, summary)
    if summary:
        return
    if judged is None:
        at = None if version is None else version_of(places, MINUTES.name, version)
        judged = analyse(places, minutes_table(places, at), judged_by, method, between)
    if compare:
        show_change(places, judged, between, method, how)
    elif not show(judged, between, how, COLUMNS) and how == "table":
        say_none(judged_by)


def _judged(
    settings: Settings, places: Places, judged_by: Config, is_trial: bool, summary: bool
) -> list[Incident] | None:
    """Closes minutes and judges them; returns the incidents as they are written.

    Returns None for a trial of other constants, and while detection runs.
    """
    from anomaly.alerts.alerts import Alerts
    from anomaly.lake.history import History, alone, as_written, ends
    from anomaly.rules.folder import folder_of, rules_in
    from lakehouse.windows import unjudged

    notes, own = unjudged.noted(places), rules_in(folder_of(settings))
    with alone(places) as fenced, Alerts(places, settings, _note) as alerts:
        if fenced is None:
            _note(RUNS)
            if is_trial:
                return None
            late = _judged_late(settings, places, judged_by, own, summary)
            unjudged.forget(places, notes)
            return late

        def tell(changes: Sequence[Change]) -> None:
            alerts.take(ends(changes))

        history = History(
            fenced, settings.anomaly, judged_by, progress.now_and_then(), tell, own, _tell_of_rule
        )
        closed = history.close()
        if is_trial:
            return None
        for fault in own.faults:
            _note(f"broken rule: {fault}")
        judged = history.judge()
        unjudged.forget(places, notes)
        _tell(closed, judged, summary)
        return as_written(fenced, judged)


def _tell_of_rule(fault: RuleFault) -> None:
    _note(f"rule {fault.rule.name} is not judged: {fault.why}")


def _judged_late(
    settings: Settings, places: Places, judged_by: Config, own: RuleSet, summary: bool
) -> list[Incident] | None:
    from anomaly.lake.aside import judge_late
    from anomaly.lake.detection import allowed_lateness
    from anomaly.lake.fold import analyse

    table = minutes_table(places)
    late = allowed_lateness(settings.anomaly)
    closed, judged = judge_late(places, late, judged_by, rules=own)
    _tell(closed, judged, summary)
    return None if summary else [*analyse(places, table, judged_by), *judged.new]


def _tell(closed: Closed, judged: Judged, summary: bool) -> None:
    from anomaly.lake.history import render_history

    for line in render_history(closed, judged):
        echo(line, err=not summary)


def _note(why: str) -> None:
    echo(f"note: {why}", err=True)
