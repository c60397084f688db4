"""What happened lately: incidents, upkeep of the tables, pauses of ingest, how fresh rows were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from analytics.web.lake.commits import Commit
from analytics.web.lake.lake import Snapshot
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.terminal.html import duration

MOST, COMMITS_READ, DELAYS_READ = 12, 400, 180
PAUSE = timedelta(minutes=2)
INCIDENTS = """
    SELECT incident_id, status, severity, key, measure, opened, closed, sentence FROM anomalies
    WHERE opened >= $1 OR status = 'open' ORDER BY opened DESC LIMIT 500"""
UPKEEP = {
    "OPTIMIZE": "small files merged",
    "VACUUM END": "old files deleted",
    "DELETE": "rows deleted",
    "RESTORE": "an older version brought back",
    "MERGE": "rows merged",
}


@dataclass(frozen=True)
class Incident:
    """An incident as a list shows it."""

    incident_id: str
    status: str
    severity: str
    key: str
    measure: str
    opened: datetime
    closed: datetime | None
    sentence: str


@dataclass(frozen=True)
class Event:
    """Something that happened: `kind` is incident, upkeep or pause; `link` leads there."""

    at: datetime
    kind: str
    text: str
    link: str = ""


def incidents(snapshot: Snapshot, since: datetime) -> list[Incident]:
    """Incidents that opened since then, or are open still, newest first."""
    found = snapshot.table(ANOMALIES.name)
    if found is None:
        return []
    return [Incident(**row) for row in snapshot.ask(INCIDENTS, [since], anomalies=found.files)]


def events(snapshot: Snapshot, since: datetime, known: Sequence[Incident]) -> list[Event]:
    """The newest events since then, newest first."""
    found = [*_of_incidents(known), *_of_commits(_newest_commits(snapshot), snapshot)]
    recent = [event for event in found if since <= event.at <= snapshot.now]
    return sorted(recent, key=lambda event: event.at, reverse=True)[:MOST]


def delays(
    snapshot: Snapshot, first: datetime, point: timedelta, times: Sequence[datetime]
) -> list[float | None]:
    """How old the newest event of a commit was when it came, at worst, by point of time."""
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


def _of_incidents(known: Sequence[Incident]) -> Iterator[Event]:
    for one in known:
        link = f"/incidents/{one.incident_id}"
        yield Event(one.opened, "incident", one.sentence, link)
        if one.closed:
            yield Event(one.closed, "closed", f"{one.key}, {one.measure}: over", link)


def _of_commits(commits: Sequence[Commit], snapshot: Snapshot) -> Iterator[Event]:
    """Newest first: upkeep, and where two commits that brought rows lie far apart."""
    for commit in commits:
        if commit.operation in UPKEEP:
            text = f"logs, version {commit.version}: {UPKEEP[commit.operation]}"
            yield Event(commit.time, "upkeep", text)
    for later, earlier in pairwise(commit for commit in commits if commit.newest):
        if later.time - earlier.time > PAUSE:
            took = duration((later.time - earlier.time).total_seconds())
            yield Event(later.time, "pause", f"rows come in again, after {took} without any")
