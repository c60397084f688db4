"""Makes what was deleted from a table gone: its older versions, their files, and what the log said.

The log names the least and the greatest value of columns by file, so that entries of older
versions may hold what no row holds any more. They are deleted up to the newest checkpoint; of those
that a stream has yet to read, only these values are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import msgspec
from deltalake import DeltaTable

from lakehouse.maintenance.readers import readers, refuse_needed
from lakehouse.maintenance.trim import LEAST, note_commits
from lakehouse.maintenance.vacuum import delete_unneeded
from lakehouse.paths import DELTA_LOG, Places
from lakehouse.store import data_files, durable, objects, open_table, set_property
from lakehouse.store.durable import sync_checkpoints
from lakehouse.store.log import COMMIT, Log, checkpoints, entries
from lakehouse.store.read import OLDEST_PROPERTY, oldest_kept
from lakehouse.store.retry import retried
from lakehouse.store.tags.tags import Tags

BOUNDS = ("minValues", "maxValues")


def forget_versions(places: Places, name: str) -> int:
    """Deletes all files that only versions before the newest need. Returns how many there were.

    The versions that can no longer be read are noted before the first file is deleted, and lose
    their names: nobody's wish to keep one outweighs that. May be repeated. Raises CheckpointError
    where a query has yet to read a file that would go.
    """
    found = open_table(places, name)
    kept = found.version()

    def delete(at: DeltaTable, dry_run: bool) -> list[str]:
        """Deletes no file that came later: who reads it was not looked for."""
        later = [*range(kept, at.version() + 1)]
        return delete_unneeded(at, hours=0, strays=False, dry_run=dry_run, keep=later)

    doomed = delete(found, dry_run=True)
    refuse_needed(places, found, name, kept, doomed)
    if doomed:
        note_commits(places, name, datetime.now(UTC), least=kept)
        set_property(places, name, OLDEST_PROPERTY, str(max(kept, oldest_kept(found))))
        for tag in Tags(places).of(name):
            if tag.version < kept:
                Tags(places).delete(name, tag.name)
        retried(places, name, partial(delete, dry_run=False))
    return len(doomed)


def forget_log(places: Places, name: str) -> None:
    """Deletes the entries of the log before a new checkpoint; what has to stay loses its bounds.

    Entries of the last hour stay, as `trim` leaves them: a process that has opened a version reads
    on from there. May be repeated: after a crash the log is longer, without a gap.
    """
    found, log = open_table(places, name), Log(places, name)
    found.create_checkpoint()
    note_commits(places, name, datetime.now(UTC), least=found.version())
    newest = found.version()
    sync_checkpoints(places, name, [newest])
    old = [(version, file) for version, file in entries(log.names()) if version < newest]
    first = _first_needed(places, str(found.metadata().id), newest, [file for _, file in old])
    first = min(first, _first_recent(log, [v for v, file in old if COMMIT.match(file)], newest))
    going = [file for version, file in old if version < first or version in checkpoints([file])]
    root = objects.store(places.table(name))
    objects.delete_all(root, [f"{DELTA_LOG}/{file}" for file in going])
    kept = [file for _, file in old if file not in going and COMMIT.match(file)]
    for file in (*kept, f"{newest:020d}.json"):
        _without_bounds(places, name, f"{DELTA_LOG}/{file}")


def _first_recent(log: Log, versions: list[int], newest: int) -> int:
    """Returns the first version that was committed in the last hour, `newest` at most."""
    first, cutoff = newest, datetime.now(UTC) - LEAST
    for version in reversed(versions):
        stamp = log.stamped(version)
        if stamp is not None and stamp < cutoff:
            return first
        first = version
    return first


def _first_needed(places: Places, table_id: str, newest: int, files: list[str]) -> int:
    """Returns the first version whose entry a stream has yet to read, `newest` at most.

    One that is still at its first version builds that from the checkpoint before it.
    """
    needed = {r.version: r.is_first for r in readers(places, table_id) if r.version < newest}
    first = min(needed, default=newest)
    starts = checkpoints(files) if needed.get(first) else {first}
    return max((version for version in starts if version <= first), default=0)


def unknown_files(places: Places, name: str) -> Iterator[str]:
    """Yields the data files in a table's folder that its newest version does not have.

    Those of batches that are not committed yet are among them.
    """
    known = {unquote(path) for path in data_files(open_table(places, name))["path"].to_pylist()}
    for file in objects.names_below(objects.reader(places.table(name))):
        if not file.startswith(f"{DELTA_LOG}/") and file not in known:
            yield file


def _without_bounds(places: Places, name: str, entry: str) -> None:
    """Takes the bounds of values out of an entry; the newest checkpoint has them, where needed."""
    content = objects.get(objects.reader(places.table(name)), entry)
    actions = [msgspec.json.decode(line) for line in (content or b"").splitlines() if line.strip()]
    lines = [msgspec.json.encode(_bare(action)) for action in actions]
    if content and lines != [msgspec.json.encode(action) for action in actions]:
        durable.put(places, places.table(name), entry, b"\n".join(lines))


def _bare(action: dict[str, Any]) -> dict[str, Any]:
    add = action.get("add") or {}
    stats = msgspec.json.decode(add.get("stats") or "{}")
    if not _has(stats, BOUNDS):
        return action
    kept = {key: value for key, value in stats.items() if key not in BOUNDS}
    return {**action, "add": {**add, "stats": msgspec.json.encode(kept).decode()}}


def _has(stats: Any, keys: Collection[str]) -> bool:
    return isinstance(stats, dict) and any(key in stats for key in keys)
