"""Recent events (incidents, upkeep of tables, pauses of ingest), and the delay of commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from analytics.web.lake.lake import Snapshot
from analytics.web.lake.table_state import Commit
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.incidents import IncidentSummary
from lakehouse.terminal.html import duration

MOST, COMMITS_READ, DELAYS_READ = 12, 400, 180
PAUSE = timedelta(minutes=2)
UPKEEP = {
    "OPTIMIZE": "small files merged",
    "VACUUM END": "old files deleted",
    "DELETE": "rows deleted",
    "RESTORE": "an older version brought back",
    "MERGE": "rows merged",
}


@dataclass(frozen=True)
class Event:
    """Something that happened; `kind` is incident, upkeep or pause; `link` leads to it."""

    at: datetime
    kind: str
    text: str
    link: str = ""


def events(
    snapshot: Snapshot, since: datetime, incidents: Sequence[IncidentSummary]
) -> list[Event]:
    """Returns the newest events since a time, newest first."""
    found = [*_of_incidents(incidents), *_of_commits(_newest_commits(snapshot), snapshot)]
    recent = [event for event in found if since <= event.at <= snapshot.now]
    return sorted(recent, key=lambda event: event.at, reverse=True)[:MOST]


def delays(
    snapshot: Snapshot, first: datetime, point: timedelta, times: Sequence[datetime]
) -> list[float | None]:
    """Returns for each time the longest delay [s] from a commit's newest event to the commit."""
    logs, commits = snapshot.need(LOGS.name), snapshot.lake.commits
    begin = max(commits.at(LOGS.name, first, logs.version), logs.oldest_kept)
    step = max(1, (logs.version - begin) // DELAYS_READ)
    worst: dict[int, float] = {}
    for commit in commits.of(LOGS.name, range(begin, logs.version + 1, step)):
        if commit.newest:
            at = (commit.time - first) // point
            delay = max(0.0, (commit.time - commit.newest).total_seconds())
            worst[at] = max(worst.get(at, 0), delay)
    return [worst.get(number) for number in range(len(times))]


def _newest_commits(snapshot: Snapshot) -> list[Commit]:
    newest = snapshot.need(LOGS.name).version
    versions = range(newest, max(-1, newest - COMMITS_READ), -1)
    return list(snapshot.lake.commits.of(LOGS.name, versions))


def _of_incidents(incidents: Sequence[IncidentSummary]) -> Iterator[Event]:
    for one in incidents:
        link = f"/incidents/{one.incident_id}"
        yield Event(one.opened, "incident", one.sentence or one.key, link)
        if one.closed:
            yield Event(one.closed, "closed", f"{one.key}, {one.measure}: over", link)


def _of_commits(commits: Sequence[Commit], snapshot: Snapshot) -> Iterator[Event]:
    """Yields upkeep, and pauses (two commits with new rows far apart), newest first."""
    for commit in commits:
        if commit.operation in UPKEEP:
            text = f"logs, version {commit.version}: {UPKEEP[commit.operation]}"
            yield Event(commit.time, "upkeep", text)
    for later, earlier in pairwise(commit for commit in commits if commit.newest):
        if later.time - earlier.time > PAUSE:
            took = duration((later.time - earlier.time).total_seconds())
            yield Event(later.time, "pause", f"rows come in again, after {took} without any")
