"""Commands that show the whole lake or its history: status, diff."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from analytics.commands.tables import table_names
from lakehouse.paths import Places
from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, setting, with_places, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from analytics.look.diff import Difference
    from analytics.look.forecast import Forecast
    from analytics.look.status import Status
    from lakehouse.settings import Settings


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _sign(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


def _optional(value: datetime | float | None) -> str:
    if isinstance(value, datetime):
        return HUMANE["time"](value)
    return "" if value is None else f"{value:,.0f}"


MOST_SERVICES = 5
OPTIONAL = ("rows_per_second", "last_batch", "last_commit", "watermark", "closed_to", "late_rows")
HUMANE_STATUS = {
    **HUMANE,
    "running": _sign,
    "lag_records": _number,
    "lag_seconds": _number,
    **dict.fromkeys(OPTIONAL, _optional),
}


@click.command()
@setting(
    "--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Kafka. [the lake's own broker]"
)
@FORMAT
@with_settings
def status(how: str, settings: Settings) -> None:
    """Show how the lake is doing: queries, lag, late and rejected rows, incidents, tables.

    Works while Kafka or the stream is down, and then says so. JSON is one object; csv has the
    queries.

    \b
    lag_records   records of the topics (ingest) or rows of logs (others) not read yet
    lag_seconds   how long the oldest of them has waited
    late_rows     rows of the last two days that came after their window was closed
    weighs        all tables now, what a day adds, and what they will weigh at that rate, with
                  what retention will have deleted by then
    services      what the rows of each weigh in logs, by their share of each day's rows

    \b
    exit 0  all queries run, and how far behind they are is known
         1  a query does not run, or Kafka does not answer, or refuses
         4  there is no lake

    \b
      logpond status
      logpond status --format json
      watch -n 5 logpond status
    """
    from analytics.look.forecast import forecast
    from analytics.look.status import status as look
    from lakehouse.runtime.embedded_kafka import connection as of_lake

    places = Places.of(settings)
    found = look(places, of_lake(places, settings.kafka))
    weight = forecast(places, settings)
    if how == "json":
        weighs = {"forecast": asdict(weight) if weight else None}
        render.show_object({**found.as_dict(), **weighs, "is_well": found.is_well}, sys.stdout)
    else:
        _show_status(found, how)
        if how == "table" and weight:
            echo("\n".join(_weights(weight)))
    sys.exit(0 if found.is_well else 1)


@click.command()
@click.argument("table", shell_complete=table_names)
@click.argument("v1")
@click.argument("v2")
@FORMAT
@with_places
def diff(table: str, v1: str, v2: str, how: str, places: Places) -> None:
    """Show what changed from version V1 of a table to V2: rows and files by partition, windows.

    V1 and V2 are numbers, or names that `logpond tag` gave: where the table has no version of that
    name, it is taken as of the time of the one that has.
    Rows are compared by what they are: OPTIMIZE moves them to other files and changes none. JSON
    is one object; csv has the partitions.

    \b
      logpond history logs
      logpond diff logs 12 40
      logpond diff logs before-deploy after-deploy
      logpond diff traffic 3 4 --format json
    """
    from analytics.look.diff import diff as compare
    from lakehouse.query.pinned import version_of

    before, after = (version_of(places, table, text, "version") for text in (v1, v2))
    found = compare(places, table, before, after)
    for line in found.sources:
        echo(line, err=True)
    if how == "json":
        render.show_object(found.as_dict(), sys.stdout)
        return
    partitions = [asdict(part) for part in found.partitions]
    columns = ("partition", "files_added", "files_removed", "rows_added", "rows_removed")
    render.show(render.Rows.of_dicts(partitions, columns), how, sys.stdout, HUMANE)
    if how == "table":
        _show_difference(found)


def _show_status(found: Status, how: str) -> None:
    queries = [
        {**asdict(query), "query": query.name, "running": query.is_running}
        for query in found.queries
    ]
    columns = ["query", "running", *list(queries[0])[2:-2]]
    if how == "table":
        columns.remove("held_by")
    render.show(render.Rows.of_dicts(queries, columns), how, sys.stdout, HUMANE_STATUS)
    if how != "table":
        return
    echo()
    tables = [asdict(table) for table in found.tables]
    render.show(render.Rows.of_dicts(tables, list(tables[0])), how, sys.stdout, HUMANE_STATUS)
    echo()
    echo("\n".join(_summary(found)))


def _summary(found: Status) -> list[str]:
    """Returns lines for what the tables above do not show."""
    kafka = "answers" if found.is_kafka_up else "does not answer"
    if found.is_kafka_up and found.queries[0].lag_records is None:
        kafka = "answers, and does not have the topics that ingest read"
    if found.kafka_refuses:
        kafka = f"refuses\n               {found.kafka_refuses}"
    open_incidents = "?" if found.open_incidents is None else f"{found.open_incidents:,}"
    rejected = "?" if found.rejected is None else f"{found.rejected:,}"
    return [
        f"kafka          {found.kafka} {kafka}",
        *_topics(found),
        *_holders(found),
        f"newest event   {HUMANE['time'](found.newest_event)}",
        f"rejected       {rejected} records in quarantine",
        f"incidents      {open_incidents} open",
    ]


def _weights(found: Forecast) -> list[str]:
    """Returns lines for what the lake weighs, and what of it is of which service."""
    now, day, week, month = map(
        HUMANE["bytes"],
        (found.bytes, found.bytes_per_day, found.in_7_days, found.in_30_days),
    )
    lines = [f"weighs         {now}, {day} more a day; {week} in 7 days, {month} in 30 days"]
    shown = [
        f"{cost.service} {cost.share:.0%} ({HUMANE['bytes'](cost.bytes)}"
        f"{f', kept {cost.kept_days} days' if cost.kept_days else ''})"
        for cost in found.services[:MOST_SERVICES]
    ]
    if more := len(found.services) - len(shown):
        shown.append(f"{more:,} more")
    return [*lines, f"services       {', '.join(shown)}"] if shown else lines


def _holders(found: Status) -> list[str]:
    """Returns a line for each query that a process holds, or held until it was heard of no more."""
    how = {True: "held by", False: "was held by", None: "held by"}
    return [
        f"{query.name:<14} {how[query.is_running]} {query.held_by}"
        for query in found.queries
        if query.held_by
    ]


def _topics(found: Status) -> list[str]:
    """Returns a line for the topics where there are several."""
    waiting = ", ".join(f"{topic} {count:,}" for topic, count in found.waiting.items())
    return [f"waiting        {waiting}"] if len(found.waiting) > 1 else []


def _show_difference(found: Difference) -> None:
    if found.windows:
        echo()
        windows = [asdict(window) for window in found.windows]
        render.show(render.Rows.of_dicts(windows, list(windows[0])), "table", sys.stdout)
    operations = (
        ", ".join(f"{count} {name}" for name, count in found.operations.items()) or "no commits"
    )
    echo(
        f"\n{found.table} {found.before} -> {found.after} ({operations}): "
        f"{found.rows_before:,} -> {found.rows_after:,} rows, {found.rows_added:,} added, "
        f"{found.rows_removed:,} removed; files {found.files_added:,} added, "
        f"{found.files_removed:,} removed"
    )
    if found.is_moved_only:
        echo("rows were moved to other files; none changed")
