"""Trims the log: each commit and each poll of a stream lists all of it, so its length costs time.

Versions that are trimmed can no longer be read; rows stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake import DeltaTable

from lakehouse import past
from lakehouse.maintenance.readers import readers
from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import objects, open_table
from lakehouse.store.durable import sync_checkpoints
from lakehouse.store.log import Log, checkpoints, entries
from lakehouse.store.retry import retried
from lakehouse.store.tags.naming import hold
from lakehouse.store.tags.tags import Tags

LEAST = timedelta(hours=1)
# The ledger is this far behind, and each step it takes has so many commits at least.
SURE, WORTH = timedelta(minutes=2), 50


@dataclass(frozen=True)
class Trimmed:
    """How many log `entries` a `trim` removed, or would; `oldest` is the oldest version after it.

    `held_by` names a query that has yet to read versions which otherwise would be removed.
    """

    entries: int
    kept: int
    oldest: int
    held_by: str = ""


def trim(
    places: Places, name: str, keep: timedelta, most: int, now: datetime, dry_run: bool = False
) -> Trimmed:
    """Removes log entries older than `keep`, and all but the newest `most` commits.

    Entries of the last hour always stay, because a process that has just opened a version is not
    noted anywhere yet. It trims up to a checkpoint, which stays, and not past the first version
    that a stream has yet to read. A version with a name keeps its entry and a checkpoint of its
    own. Entries go from the oldest on: a crash leaves a longer log, without a gap.
    """
    found, log = open_table(places, name), Log(places, name)
    newest, timeline = found.version(), log.timeline(now)
    many = min(newest - most, timeline.surely_by(now - LEAST))
    wanted = max(timeline.surely_by(now - max(keep, LEAST)), many)
    needed = {r.query: r.version for r in readers(places, str(found.metadata().id))}
    floor = min([wanted, *needed.values()])
    names = log.names()
    oldest = max((c for c in checkpoints(names) if c <= floor), default=0)
    named = {tag.version for tag in Tags(places).valid(found, name) if tag.version < oldest}
    staying = named if dry_run else {version for version in named if hold(places, name, version)}
    going = [entry for entry in entries(names) if entry[0] < oldest and entry[0] not in staying]
    if not dry_run:
        note_commits(places, name, now, least=oldest if going else 0)
        sync_checkpoints(places, name, [oldest])  # all that is left of what goes
        folder = objects.store(places.table(name))
        objects.delete_all(folder, [f"{DELTA_LOG}/{file}" for _, file in going])
    held = min(needed, key=lambda query: needed[query]) if floor < wanted else ""
    return Trimmed(len(going), len(entries(names)) - len(going), max(oldest, log.oldest()), held)


def note_commits(places: Places, name: str, now: datetime, least: int = 0) -> None:
    """Notes the commits of a table in its ledger, before the log or their files are gone.

    All up to `least`; of others those that a loss of power cannot take back any more, once they are
    worth it, or where the ledger was lost and the log does not have all of them.
    """
    if name not in past.KEPT:
        return
    log = Log(places, name)
    sure = log.timeline(now).surely_by(now - SURE)
    unnoted = past.unnoted(places, name, sure)
    is_lost = log.oldest() > 0 and unnoted > sure
    if least or is_lost or unnoted >= WORTH:
        past.fold(places, name, max(sure, least))


def set_properties(
    places: Places, name: str, wanted: Mapping[str, str], dry_run: bool = False
) -> bool:
    """Sets the properties of a table that differ, in one commit. Returns whether any did."""
    found = open_table(places, name)
    there = found.metadata().configuration or {}
    changed = {key: value for key, value in wanted.items() if there.get(key) != value}
    if changed and not dry_run:
        retried(places, name, lambda at: _set(at, changed))
    return bool(changed)


def _set(at: DeltaTable, changed: Mapping[str, str]) -> None:
    at.alter.set_table_properties({**changed}, raise_if_not_exists=False)
