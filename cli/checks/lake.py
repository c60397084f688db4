"""The lake: its checkpoints, tables and commits, and who can reach its files."""

from __future__ import annotations

import shlex
from pathlib import Path

from cli.checks.check import Check
from lakehouse.paths import Places, is_url
from lakehouse.runtime import rights
from lakehouse.settings import Settings

MANY_SMALL_FILES = 1_000


def _checkpoints(_settings: Settings, places: Places) -> Check:
    from lakehouse.ingest.admission import look
    from lakehouse.ingest.queries import INGEST

    holding = INGEST.holder(places)
    if holding.is_held:
        who = holding.by or "the stream"
        return Check("checkpoints", "ok", f"{who} runs, so they were checked")
    manifest = look(places, INGEST.name, INGEST.tables)
    if astray := _astray(places):
        remedy = "; ".join(f"`logpond recover {query}`" for query in astray)
        found = f"{' and '.join(astray)}: made for another table logs than the one that is there"
        return Check("checkpoints", "bad", found, remedy)
    if manifest is None:
        return Check("checkpoints", "ok", "none yet")
    found = f"ingest reads {', '.join(manifest.topics)}, and fits the tables"
    return Check("checkpoints", "ok", found)


def _astray(places: Places) -> list[str]:
    """Returns the queries whose checkpoints read another table `logs`."""
    from lakehouse.ingest.queries import MINUTES, WINDOWS
    from lakehouse.maintenance.readers import readers
    from lakehouse.store import table_or_none
    from lakehouse.tables.catalog import LOGS

    logs = table_or_none(places, LOGS)
    if logs is None:
        return []
    fitting = {reader.query for reader in readers(places, str(logs.metadata().id))}
    begun = {query.name: query.checkpoint(places).progress() for query in (WINDOWS, MINUTES)}
    return [
        name
        for name, how in begun.items()
        if how and how.planned is not None and name not in fitting
    ]


def _lake(_settings: Settings, places: Places) -> Check:
    from lakehouse.maintenance import shape
    from lakehouse.query import pinned

    names = pinned.names(places)
    if not names:
        return Check("lake", "note", f"{places.lake} holds no table yet", "`logpond up` fills it")
    shapes = {name: shape(places, name) for name in names}
    small = max(shapes, key=lambda name: shapes[name].small_files)
    size = sum(each.bytes for each in shapes.values()) / 1e6
    found = f"{len(names)} tables in {places.lake}, {size:,.0f} MB"
    if shapes[small].small_files > MANY_SMALL_FILES:
        return Check(
            "lake",
            "note",
            f"{found}; {small} has {shapes[small].small_files:,} small files",
            "a stream's upkeep merges them, or `logpond upkeep`",
        )
    return Check("lake", "ok", found)


def _commits(_settings: Settings, places: Places) -> Check:
    """Who else commits to our tables."""
    from lakehouse.proof.foreign import foreign_commits, summary

    if not (found := foreign_commits(places)):
        return Check("commits", "ok", "all by logpond, of the newest 1,000 of each table")
    remedy = "`logpond verify` says whether rows are missing; let others only read"
    return Check("commits", "note", summary(found), remedy)


def _skip_index(_settings: Settings, places: Places) -> Check:
    """Whether it is as it was written, and how much of `logs` it is about."""
    from lakehouse.skipping import keep
    from lakehouse.store import table_or_none
    from lakehouse.tables.catalog import LOGS

    if table_or_none(places, LOGS) is None:
        return Check("skip index", "ok", "none yet")
    damaged, files = keep.damaged(places), keep.active_files(places)
    if damaged:
        found = f"{len(damaged)} parts are damaged; files of theirs are read for each question"
        return Check("skip index", "note", found, "`logpond optimize` makes them anew")
    there = len(files) - len(keep.missing(places, files))
    found = f"{there:,} of {len(files):,} files of logs have an entry"
    if files and not there:
        return Check("skip index", "note", found, "`logpond optimize` makes them, or upkeep")
    return Check("skip index", "ok", found)


def _access(settings: Settings, places: Places) -> Check:
    """Who else on this machine can read or change what is there."""
    for place in (places.lake, places.checkpoints):
        if not is_url(place) and (found := _open(Path(place), settings.access)):
            return found
    return Check("access", "ok", "nobody reads or changes it who should not")


def _open(place: Path, access: rights.Access) -> Check | None:
    """A place that more than those of the setting can read or change, or fewer can read."""
    given, name = rights.reachable(place), shlex.quote(str(place))
    more = given & rights.WITHHELD[access]
    whose = "everybody on this machine" if more & rights.OTHERS else "its group"
    if more:
        can = "read and change" if more & 0o022 else "read"
        shut = "go-rwx" if access == "owner" else "g-w,o-rwx"
        return Check("access", "note", f"{whose} can {can} {place}", f"`chmod -R {shut} {name}`")
    if access == "group" and rights.modes(place) == 0:
        found = f"{place} is closed to its group, which is to read it (access)"
        return Check("access", "note", found, f"`chmod -R g+rX {name}`")
    return None


CHECKS = {
    "checkpoints": _checkpoints,
    "lake": _lake,
    "commits": _commits,
    "skip index": _skip_index,
    "access": _access,
}
