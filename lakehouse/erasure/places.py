"""Texts beside the tables that may repeat what an event says: one function a place.

Each returns how many objects, files or lines it erased, or would erase with `dry_run`. Each may be
repeated, and is safe beside programs that run.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lakehouse.erasure.mentions import Mentions
from lakehouse.erasure.request import Request
from lakehouse.event.unpacked import GZIP
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import COPIES
from lakehouse.maintenance.forget import BOUNDS
from lakehouse.paths import Places
from lakehouse.skipping import keep
from lakehouse.store import durable, objects, open_table
from lakehouse.store.commit import is_done

# A run of a job has taken its files away by then.
SCRATCH_LASTS = timedelta(hours=1)
Erase = Callable[[Places, Request, bool], int]


class Handler(NamedTuple):
    """What erases the texts of some members of `Places`, and what it says that it counts."""

    members: tuple[str, ...]
    what: str
    erase: Erase


def snapshots(places: Places, request: Request, dry_run: bool) -> int:
    """States of detection, which are made again from minutes; and ledgers that were put aside."""
    return _delete(places.checkpoints, request.mentions, _is_state, dry_run)


def _is_state(name: str) -> bool:
    """Whether an object is in a folder of states of a ledger, or in a ledger that was put aside."""
    ledger, _, within = name.partition("/")
    is_of_states = "/" in within and not within.startswith("plans/")
    return ".ledger" in ledger and (is_of_states or not ledger.endswith(".ledger"))


def plans(places: Places, request: Request, dry_run: bool) -> int:
    """Least and greatest values in the plans of batches that are committed."""
    progress = INGEST.checkpoint(places).progress()
    kept = BatchPlans(places).whole(progress.query_id) if progress else []
    found = [
        plan
        for plan in kept
        if request.mentions.in_bytes(msgspec.json.encode(plan)) and _is_committed(places, plan)
    ]
    for plan in () if dry_run else found:
        files = [msgspec.structs.replace(f, stats=_without_bounds(f.stats)) for f in plan.files]
        content = msgspec.json.encode(msgspec.structs.replace(plan, files=files))
        durable.put(places, places.plans(INGEST.name), plan.name, content)
    return len(found)


def _is_committed(places: Places, plan: BatchPlan) -> bool:
    """Whether each table has its part: files and their values are of no use then."""
    keys = {name: plan.key(name) for name in {file.table for file in plan.files}}
    tables = {name: open_table(places, name) for name in keys}
    return all(
        is_done(tables[name].transaction_version(key.app), key) for name, key in keys.items()
    )


def _without_bounds(stats: str) -> str:
    kept = {key: value for key, value in msgspec.json.decode(stats).items() if key not in BOUNDS}
    return msgspec.json.encode(kept).decode()


def copies(places: Places, request: Request, dry_run: bool) -> int:
    """Copies of imported files, each as a whole: a part of it would not be the file any more."""
    erased = {*Absent(places).erased()["_topic"].to_pylist()}
    at = objects.reader(places.raw)
    found = [
        f"{COPIES}/{name}"
        for name in objects.names(at, COPIES)
        if f"file:{name.removesuffix('.new')}" in erased
        or request.mentions.in_bytes(_unpacked(objects.get(at, f"{COPIES}/{name}") or b""))
    ]
    if not dry_run:
        objects.delete_all(objects.store(places.raw), found)
    return len(found)


def copies_of(places: Places, topics: set[str]) -> list[str]:
    """The names of the copies of imported files whose records are of these topics."""
    names = objects.names(objects.reader(places.raw), COPIES)
    return [name for name in names if f"file:{name.removesuffix('.new')}" in topics]


def mutes(places: Places, request: Request, dry_run: bool) -> int:
    """Mutes of a key that is erased: there is nothing left that they could mute."""
    return _delete(places.mutes, request.mentions, lambda _name: True, dry_run)


def tags(places: Places, request: Request, dry_run: bool) -> int:
    """Names of versions whose note says it; versions keep no other name then."""
    return _delete(places.tags, request.mentions, lambda _name: True, dry_run)


def actions(places: Places, request: Request, dry_run: bool) -> int:
    """What people did about incidents stays; the words in it go."""
    return _scrub(places, places.actions, request.mentions, dry_run)


def questions(places: Places, request: Request, dry_run: bool) -> int:
    """Statements that are kept by name stay, and ask for `[erased]`."""
    return _scrub(places, places.questions, request.mentions, dry_run)


def boards(places: Places, request: Request, dry_run: bool) -> int:
    """Boards stay, and say `[erased]`; one that has such a name itself goes."""
    return _scrub(places, places.boards, request.mentions, dry_run, by_name=True)


def views(places: Places, request: Request, dry_run: bool) -> int:
    """Filters of Explore that are kept by name stay, and ask for `[erased]`."""
    return _scrub(places, places.views, request.mentions, dry_run)


def scratch(places: Places, request: Request, dry_run: bool) -> int:
    """What jobs that died have left for each other."""
    place, before = places.scratch("").rstrip("/"), datetime.now(UTC) - SCRATCH_LASTS
    at = objects.reader(place)

    def is_left(name: str) -> bool:
        written = objects.modified(at, name)
        return written is not None and written < before

    return _delete(place, request.mentions, is_left, dry_run)


def skip_index(places: Places, _request: Request, dry_run: bool) -> int:
    """Entries of data files that are gone; those of all files that are there are of kept rows."""
    return keep.forget(places, dry_run)


def labels(places: Places, request: Request, dry_run: bool) -> int:
    """Lines of the truth about incidents that were produced."""
    return _lines(places.labels, request.mentions, dry_run)


def spark_events(places: Places, request: Request, dry_run: bool) -> int:
    """Event logs of Spark, which hold the text of statements."""
    return _delete(str(places.spark_events), request.mentions, lambda _name: True, dry_run)


def program_logs(places: Places, request: Request, dry_run: bool) -> int:
    """Lines that programs have said."""
    return sum(_lines(file, request.mentions, dry_run) for file in places.program_logs)


HANDLERS = (
    Handler(("ledger",), "states of detection that know it, which are made again", snapshots),
    Handler(("plans",), "plans of committed batches", plans),
    Handler(("raw", "raw_file"), "copies of imported files, as a whole", copies),
    Handler(("tags",), "names of versions, with their notes", tags),
    Handler(("mutes",), "mutes", mutes),
    Handler(("views",), "filters that are kept by name", views),
    Handler(("actions",), "actions of people on incidents", actions),
    Handler(("questions",), "statements that are kept by name", questions),
    Handler(("boards",), "boards, or words on them", boards),
    Handler(("scratch",), "files that jobs have left", scratch),
    Handler(("skip_index",), "entries of the skip index for files that are gone", skip_index),
    Handler(("labels",), "lines about incidents that were produced", labels),
    Handler(("spark_events",), "event logs of Spark", spark_events),
    Handler(("program_log",), "lines in logs of programs", program_logs),
)


def _scrub(
    places: Places, place: str, mentions: Mentions, dry_run: bool, by_name: bool = False
) -> int:
    """Writes objects of JSON anew with `[erased]` in place of a value. Returns how many.

    One that is no JSON goes; so does, `by_name`, one whose name is such a value.
    """
    at, count = objects.reader(place), 0
    for name in objects.names_below(at):
        content = objects.get(at, name) or b""
        is_named = by_name and mentions.in_text(name.removesuffix(".json"))
        if is_named or mentions.in_bytes(content):
            count += 1
            kept = None if is_named else _scrubbed(content, mentions)
            if dry_run:
                continue
            if kept is None:
                objects.delete(at, name)
            else:
                durable.put(places, place, name, kept)
    return count


def _scrubbed(content: bytes, mentions: Mentions) -> bytes | None:
    try:
        return msgspec.json.encode(mentions.scrubbed(msgspec.json.decode(content)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _delete(place: str, mentions: Mentions, is_meant: Callable[[str], bool], dry_run: bool) -> int:
    """Deletes the objects of a place that mention a value. Returns how many."""
    at = objects.reader(place)
    found = [
        name
        for name in (objects.names_below(at) if mentions else [])
        if is_meant(name) and mentions.in_bytes(_unpacked(objects.get(at, name) or b""))
    ]
    if found and not dry_run:
        objects.delete_all(objects.store(place), found)
    return len(found)


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content) if content[:2] == GZIP else content
    except (OSError, EOFError):
        return content


def _lines(file: Path, mentions: Mentions, dry_run: bool) -> int:
    """Takes the lines of a file out that mention a value; to who writes it, it stays the same."""
    if not mentions or not file.is_file():
        return 0
    with file.open("rb") as lines:
        count = sum(mentions.in_bytes(line) for line in lines)
    if count and not dry_run:
        _rewrite(file, mentions)
    return count


def _rewrite(file: Path, mentions: Mentions) -> None:
    with file.open("rb") as lines, file.open("r+b") as kept:
        for line in _without(lines, mentions):
            kept.write(line)
        kept.truncate()
        kept.flush()
        os.fsync(kept.fileno())


def _without(lines: Any, mentions: Mentions) -> Iterator[bytes]:
    return (line for line in lines if not mentions.in_bytes(line))
