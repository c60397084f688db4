"""The promise as queries: each record of topics and imported files is found exactly once.

It is in logs or else in open quarantine. Each closed window equals its recount, or is listed as
late. What was proved stays proved: a run looks at what came since the newest proof, and recounts
everything where more happened than additions and rewritings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from obstore.exceptions import BaseError

from lakehouse import store
from lakehouse.errors import LogpondError
from lakehouse.ingest.absent import Absent, Stretch
from lakehouse.ingest.queries import INGEST
from lakehouse.past.check import check as check_ledger
from lakehouse.paths import Places
from lakehouse.proof import chain
from lakehouse.proof.asked import completed, sources
from lakehouse.proof.contents import ENGINE
from lakehouse.proof.counted import Counted, count, has_other_notes
from lakehouse.proof.coverage import coverage
from lakehouse.proof.foreign import foreign_commits
from lakehouse.proof.inventory import Looked
from lakehouse.proof.opened import RECORDS, Opened, came
from lakehouse.proof.proved import Content, Proof
from lakehouse.proof.verdict import Basis, Verdict
from lakehouse.proof.windows import Judged, judge_table
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.terminal.times import rendered
from lakehouse.windows.check import verdict_of

ASKED = "as asked for"


@dataclass(frozen=True)
class Found:
    """What one look at the tables has found."""

    counted: Counted
    judged: dict[str, Judged]
    looked: dict[str, Looked]


def verify(places: Places, full: bool = False) -> Verdict:
    """Counts every record up to the end of the last completed batch, and all files and windows.

    What the newest proof has is not counted again, unless `full`. Leaves a proof where nothing is
    wrong. Offsets with a note why they have no row are no gaps: see `lakehouse.ingest.absent`.
    Raises CheckpointError where nothing was ingested or imported yet, and TableError where a data
    file is not as it was written or proved.
    """
    opened = Opened.of(places, all_bytes=full)
    if not (why := ASKED if full else opened.refusal):
        since = opened.since()
        found = _look(since)
        if isinstance(found, Found):
            return _concluded(since, found, "")
        why = found
    found = _look(opened)
    assert isinstance(found, Found)
    return _concluded(opened, found, why)


def missing(places: Places, topic: str) -> list[Stretch]:
    """Returns all stretches of a topic that `verify` misses, in order. Raises what it raises."""
    done = completed(INGEST.checkpoint(places), has_files=False)
    tables = store.open_table(places, LOGS), store.open_table(places, QUARANTINE)
    with coverage(places, *tables) as held:
        ranges = sources(tables, done, {})
        return held.gaps(topic, ranges[topic]) if topic in ranges else []


def _look(opened: Opened) -> Found | str:
    """Returns what was found; or why what came since a proof does not say it."""
    tables = opened.tables
    with coverage(opened.places, tables[LOGS.name], tables[QUARANTINE.name], opened.see) as held:
        looked = opened.look(held)
        if opened.is_since and (why := _moved(opened, looked)):
            return why
        if opened.is_since and has_other_notes(held, opened.asked):
            return "the notes of absent offsets are others since"
        counted, proof = count(held, opened.asked), opened.newest.proof
        known = proof.windows if proof and opened.is_since else {}
        judged = {
            name: judge_table(
                opened.places,
                (table, tables[LOGS.name]),
                opened.inventories[name],
                known.get(name),
                partial(came, held),
            )
            for name, table in opened.rollups.items()
        }
    looked |= {name: one.looked for name, one in judged.items()}
    return Found(counted, judged, looked)


def _moved(opened: Opened, looked: dict[str, Looked]) -> str:
    """Returns what happened beside additions and rewritings; empty for nothing."""
    for name, of in looked.items():
        if not opened.inventories[name].is_rewritten(of):
            return f"rows of table {name} that were proved are gone, changed, or there again"
    return ""


def _concluded(opened: Opened, found: Found, why: str) -> Verdict:
    """Returns the verdict, and leaves a proof where nothing is wrong."""
    places = opened.places
    days = [day for one in found.judged.values() for day in one.days]
    checked = sum(sum(one.proved.days.values()) for one in found.judged.values() if one.proved)
    ledgers = {name: check_ledger(places, name, _segments(opened, name)) for name in RECORDS}
    faults = [fault for one in ledgers.values() for fault in one.faults]
    verdict = found.counted.verdict(opened.versions, replace(verdict_of(days), checked=checked))
    verdict = replace(
        verdict,
        ok=verdict.ok and not faults,
        losses=[msgspec.to_builtins(note) for note in Absent(places).losses()],
        foreign_commits=foreign_commits(places),
        ledger_faults=faults,
        ledger_lost=[line for one in ledgers.values() for line in one.lost],
        proof=_basis(opened, found, why),
    )
    if not verdict.ok:
        return _with(verdict, not_noted="something is wrong")
    segments = {name: one.segments for name, one in ledgers.items()}
    return _with(verdict, **_note(opened, found, segments))


def _segments(opened: Opened, name: str) -> list[str]:
    """Returns the segments that the newest proof has of the ledger of the same table."""
    proof = opened.newest.proof
    before, state = proof and proof.tables.get(name), opened.inventories[name].state
    return proof.ledgers.get(name, []) if proof and before and before.id == state.id else []


def _basis(opened: Opened, found: Found, why: str) -> Basis:
    """Returns what a verdict rests on."""
    now = Basis(
        is_full=not opened.is_since,
        why=why,
        rows=sum(one.rows for name in RECORDS for one in found.looked[name].values()),
        files=sum(len(of) for of in found.looked.values()),
        hashed=sum(len(one.hashed) for one in opened.inventories.values()),
        windows=sum(one.counted for one in found.judged.values()),
    )
    proof = opened.newest.proof
    if proof is None or not opened.is_since:
        return now
    before = sum(len(one.settled) for one in opened.inventories.values())
    at = rendered(proof.at.replace(microsecond=0))
    return replace(now, number=proof.number, at=at, rows_before=proof.rows, files_before=before)


def _note(opened: Opened, found: Found, segments: dict[str, list[str]]) -> dict[str, Any]:
    """Writes a proof. Returns its number; or why there is none, which is no fault of the lake."""
    proof = _proof(opened, found, segments)
    files = {name: opened.inventories[name].proved(of) for name, of in found.looked.items()}
    try:
        chain.write(opened.places, proof, files)
    except (LogpondError, OSError, BaseError) as error:
        return {"not_noted": str(error).partition("\n")[0]}
    return {"noted": proof.number}


def _proof(opened: Opened, found: Found, segments: dict[str, list[str]]) -> Proof:
    counted, asked = found.counted, opened.asked
    contents = {
        one.sha256: Content(batch=asked.files[one.sha256].what.batch, verdict=replace(one, path=""))
        for one in counted.files
        if asked.files[one.sha256].is_in
    }
    return Proof(
        number=opened.newest.number + 1,
        at=datetime.now(UTC),
        before=opened.newest.name if opened.is_since else "",
        engine=ENGINE,
        tables={name: one.state for name, one in opened.inventories.items()},
        topic_ids=asked.topic_ids,
        firsts=asked.firsts,
        extents=asked.extents,
        partitions=[replace(part, in_flight=0) for part in counted.partitions],
        contents=contents,
        notes=counted.notes,
        rules=counted.rules,
        retained_by=counted.retained_by,
        duplicate_event_ids=counted.duplicate_event_ids,
        windows={name: one.proved for name, one in found.judged.items() if one.proved},
        ledgers=segments,
    )


def _with(verdict: Verdict, **changes: Any) -> Verdict:
    return replace(verdict, proof=replace(verdict.proof, **changes))
