"""Deletes files that no kept version of a table needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from deltalake import DeltaTable

from lakehouse.errors import SettingsError
from lakehouse.maintenance.readers import refuse_needed
from lakehouse.maintenance.size import Upkeep, shape
from lakehouse.maintenance.trim import note_commits
from lakehouse.paths import Places
from lakehouse.skipping.keep import forget
from lakehouse.store import objects, open_table, set_property
from lakehouse.store.log import Log
from lakehouse.store.read import OLDEST_PROPERTY, oldest_kept
from lakehouse.store.retry import retried
from lakehouse.store.tags.naming import hold
from lakehouse.store.tags.tags import Tags
from lakehouse.store.timeline import Timeline
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.table import HISTORY_PROPERTY

# deltalake looks at its clock once more when it deletes, after conflicts maybe.
SLACK = timedelta(minutes=1)


def vacuum(
    places: Places,
    name: str,
    hours: int | None = None,
    dry_run: bool = False,
    strays: bool = False,
) -> Upkeep:
    """Deletes files that no version of the last `hours` needs; by default the table's retention.

    With `strays`, files of that age that no commit knows, or that the log has forgotten, are
    deleted too, and so is what half-written files left; so no plan of that age may still be open.

    Files of batches that are not committed yet are never touched, nor those of a version that has a
    name. The versions that can no longer be read are noted before the first file is deleted. Raises
    SettingsError for less than an hour; CheckpointError where a query has yet to read a file that
    would be deleted.
    """
    found = open_table(places, name)
    hours = _hours(found, hours)
    before = shape(places, name)
    delete = partial(delete_unneeded, hours=hours, strays=strays)
    doomed = delete(found, dry_run=True)
    by_clock, named = list[int](), dict[str, int]()
    if doomed:
        timeline = Log(places, name).timeline()
        cutoff = datetime.now(UTC) - timedelta(hours=hours) + SLACK
        kept = max(timeline.surely_by(cutoff), oldest_kept(found))
        by_clock = _before_wrong_clocks(timeline, kept, cutoff)
        named = _named(places, name, kept, dry_run)
        doomed = delete(found, dry_run=True, keep=[*by_clock, *named.values()])
        refuse_needed(places, found, name, kept, doomed)
    if doomed and not dry_run:
        note_commits(places, name, datetime.now(UTC), least=kept)
        set_property(places, name, OLDEST_PROPERTY, str(kept))
        # a version that was named before this note is kept; who names one now sees the note
        named = _named(places, name, kept, dry_run)
        keep = [*by_clock, *named.values()]
        retried(places, name, partial(delete, dry_run=False, keep=keep))
        if name == LOGS.name:
            forget(places)
    halves = _halves(places, name, hours, dry_run) if strays else 0
    removed = len(doomed) + halves
    return Upkeep(name, "VACUUM", before, shape(places, name), removed, named)


def delete_unneeded(
    at: DeltaTable, hours: int, strays: bool, dry_run: bool, keep: list[int] | None = None
) -> list[str]:
    """Deletes files that no version of the last hours needs, nor one of `keep`. Returns them."""
    return at.vacuum(
        hours, dry_run, enforce_retention_duration=False, full=strays, keep_versions=keep
    )


def _named(places: Places, name: str, before: int, dry_run: bool) -> dict[str, int]:
    """Returns the versions before one that have a name and can be read, by their names."""
    tags = Tags(places).valid(open_table(places, name), name)
    older = {tag.name: tag.version for tag in tags if tag.version < before}
    whole = {one for one in {*older.values()} if dry_run or hold(places, name, one)}
    return {named: version for named, version in older.items() if version in whole}


def _before_wrong_clocks(timeline: Timeline, kept: int, cutoff: datetime) -> list[int]:
    """The kept versions whose files a later commit calls older than they are, by a wrong clock.

    deltalake goes by these times. Every kept version is looked at (130 us each): it is its files
    that go.
    """
    later = range(kept + 1, timeline.newest + 1)
    return [v - 1 for v in later if (at := timeline.stamped(v)) is not None and at < cutoff]


def _halves(places: Places, name: str, hours: int, dry_run: bool) -> int:
    """What a crash left of files that were being written; how many."""
    left = objects.left_behind(places.table(name), datetime.now(UTC) - timedelta(hours=hours))
    for file in () if dry_run else left:
        file.unlink(missing_ok=True)
    return len(left)


def _hours(found: DeltaTable, asked: int | None) -> int:
    hours = int((found.metadata().configuration or {}).get(HISTORY_PROPERTY, 168))
    hours = hours if asked is None else asked
    if hours < 1:
        raise SettingsError(
            "VACUUM must keep an hour at least: a query or a commit under way may need the files",
            "give --hours 1 or more; the default is the table's own retention",
        )
    return hours
