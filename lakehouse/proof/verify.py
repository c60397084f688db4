"""The promise as queries: each record of topics and imported files is found exactly once.

It is in logs or else in open quarantine. Each closed window equals its recount, or is listed as
late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import KINDS, LOST, Absent, Stretch
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.manifest import Manifest, TopicPast
from lakehouse.ingest.offsets import Offsets, TopicOffsets
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.past.check import faults as ledger_faults
from lakehouse.paths import Places
from lakehouse.proof.coverage import Coverage, Range, coverage
from lakehouse.proof.files import FileVerdict, judge_files, planned_files
from lakehouse.proof.foreign import ForeignCommit, foreign_commits
from lakehouse.store.whole import refuse_altered
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.windows.check import WindowFault, WindowsVerdict, judge, rollups_of

# A reject lies on the day of the broker's time, or, where that is no real day, of its batch.
MISPLACED = """
SELECT (SELECT count(*) FROM logs WHERE date IS DISTINCT FROM timestamp::DATE
        OR hour IS DISTINCT FROM date_part('hour', timestamp))
    + (SELECT count(*) FROM quarantine WHERE date IS DISTINCT FROM _kafka_timestamp::DATE
        AND date IS DISTINCT FROM _ingested_at::DATE)
"""
DUPLICATE_EVENTS = "SELECT count(*) - count(DISTINCT hash(event_id)) FROM logs"
MOST_EXAMPLES = 10
NOWHERE = "SELECT count(*) FROM held WHERE _topic IS NULL OR _partition IS NULL OR _offset IS NULL"
KNOWN = "SELECT DISTINCT _topic FROM held WHERE NOT starts_with(_topic, 'file:')"


@dataclass(frozen=True)
class PartitionVerdict:
    """One partition of a topic: records [first, end) must be found."""

    topic: str
    partition: int
    first: int
    end: int
    logs: int
    quarantine: int
    gaps: int
    duplicates: int
    in_flight: int
    invisible: int
    retained: int
    erased: int
    lost: int

    @property
    def records(self) -> int:
        """How many records there are or were, with those that are lost."""
        return self.end - self.first - self.invisible - self.retained - self.erased


@dataclass(frozen=True)
class Verdict:
    """Whether the tables keep the promise, with the figures that this rests on."""

    ok: bool
    records: int
    logs: int
    quarantine: int
    gaps: int
    duplicates: int
    unexpected: int
    misplaced: int
    in_flight: int
    duplicate_event_ids: int
    windows_checked: int
    windows_wrong: int
    windows_late: int
    late_rows: int
    invisible: int
    retained: int
    erased: int
    lost: int
    versions: dict[str, int]
    partitions: list[PartitionVerdict] = field(default_factory=list)
    files: list[FileVerdict] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    retained_by: dict[str, int] = field(default_factory=dict)
    examples_of_gaps: list[dict[str, Any]] = field(default_factory=list)
    examples_of_windows: list[WindowFault] = field(default_factory=list)
    foreign_commits: list[ForeignCommit] = field(default_factory=list)
    ledger_faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Returns the verdict as JSON can hold it."""
        return asdict(self)


def verify(places: Places) -> Verdict:
    """Counts every record up to the end of the last completed batch, and all files and windows.


    Offsets with a note why they have no row are no gaps: see `lakehouse.ingest.absent`. Raises
    CheckpointError where nothing was ingested or imported yet, and TableError where a data file
    is not as it was written.
    """
    checkpoint, zone = INGEST.checkpoint(places), RawZone(places)
    promised = zone.manifests()
    completed = _completed(checkpoint, bool(promised or zone.plans.all()))
    rollups = rollups_of(places)  # before logs, which must have all that they counted
    logs, quarantine = store.open_table(places, LOGS), store.open_table(places, QUARANTINE)
    limit = _planned(checkpoint, completed[0]) if completed else {}
    tables = {LOGS.name: logs, QUARANTINE.name: quarantine}
    for name, table in {**tables, **rollups}.items():
        refuse_altered(places, name, table)
    with coverage(places, logs, quarantine) as held:
        sources = _sources(held, *completed, limit) if completed else {}
        files, unknown = judge_files(held, promised.values(), planned_files(zone), tables)
        parts = [p for topic, ranges in sources.items() for p in _partitions(held, topic, ranges)]
        strays = _strays(held, sources) + _others(held, completed) + unknown
        gaps = sum(part.gaps for part in parts)
        versions = {name: table.version() for name, table in {**tables, **rollups}.items()}
        windows = judge(places, rollups, logs)
        examples = _examples(held, sources) if gaps else []
        verdict = _verdict(held, [*parts, *files], strays, versions, examples, windows)
        by_rule = held.retained_by()
        losses = [msgspec.to_builtins(note) for note in Absent(places).losses()]
        faults = [fault for name in tables for fault in ledger_faults(places, name)]
        return replace(
            verdict,
            ok=verdict.ok and not faults,
            losses=losses,
            retained_by=by_rule,
            foreign_commits=foreign_commits(places),
            ledger_faults=faults,
        )


def missing(places: Places, topic: str) -> list[Stretch]:
    """Returns all stretches of a topic that `verify` misses, in order. Raises what it raises."""
    checkpoint = INGEST.checkpoint(places)
    completed = _completed(checkpoint, has_files=False)
    tables = store.open_table(places, LOGS), store.open_table(places, QUARANTINE)
    with coverage(places, *tables) as held:
        sources = _sources(held, *completed, {}) if completed else {}
        return held.gaps(topic, sources[topic]) if topic in sources else []


def _completed(checkpoint: Checkpoint, has_files: bool) -> tuple[Manifest, TopicOffsets] | None:
    """Returns the manifest and the end of the last completed batch; None if only files came."""
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None and has_files:
        return None
    if manifest is None:
        raise CheckpointError(
            "there is nothing to verify: no record was ingested or imported yet",
            "fill the lake with `make demo`, or name another with --lake",
        )
    return manifest, checkpoint.end(progress.completed if progress else None)


def _planned(checkpoint: Checkpoint, manifest: Manifest) -> TopicOffsets:
    """Returns how far rows may reach: a batch in flight, or what was there before a recovery."""
    progress, topics = checkpoint.progress(), manifest.topics
    planned = checkpoint.end(progress.planned if progress else None)
    return {
        topic: {p: max(end, topics[topic].held.get(p, 0)) for p, end in of.items()}
        for topic, of in planned.items()
        if topic in topics
    }


def _sources(
    held: Coverage, manifest: Manifest, end: TopicOffsets, limit: TopicOffsets
) -> dict[str, dict[int, Range]]:
    """Returns topic -> ranges that must be found, for earlier topics and the present ones."""
    before = {past.topic: _ranges(held, past, past.held) for past in manifest.past}
    now = {
        name: _ranges(held, TopicPast(name, of.topic_id, of.first, end[name]), limit.get(name, {}))
        for name, of in manifest.topics.items()
    }
    return {**before, **now}


def _ranges(held: Coverage, past: TopicPast, limit: Offsets) -> dict[int, Range]:
    """Returns the ranges of one topic.

    Rows that an old `retain` deleted were not noted one by one, so below its point rows may be
    there.
    """
    lowest = {partition: past.first.get(partition, 0) for partition in past.end}
    first = held.retained(past.topic, lowest)
    return {
        p: Range(lowest[p], min(first[p], end), end, max(end, limit.get(p, end)))
        for p, end in past.end.items()
    }


def _partitions(held: Coverage, topic: str, ranges: dict[int, Range]) -> list[PartitionVerdict]:
    absent = {kind: held.absent(kind, topic, ranges) for kind in (*KINDS, LOST, "any")}
    return [
        PartitionVerdict(
            topic=topic,
            partition=found.partition,
            first=(within := ranges[found.partition]).first,
            end=within.end,
            logs=found.logs,
            quarantine=found.rows - found.logs,
            gaps=within.end - within.first - found.records - absent["any"].get(found.partition, 0),
            duplicates=found.repeated,
            in_flight=found.in_flight,
            **{kind: absent[kind].get(found.partition, 0) for kind in (*KINDS, LOST)},
        )
        for found in held.counts(topic, ranges)
    ]


def _examples(held: Coverage, sources: dict[str, dict[int, Range]]) -> list[dict[str, Any]]:
    """Returns some of the missing records, by topic."""
    return [
        gap._asdict()
        for topic, ranges in sources.items()
        for gap in held.gaps(topic, ranges, MOST_EXAMPLES)
    ]


def _others(held: Coverage, completed: tuple[Manifest, TopicOffsets] | None) -> int:
    """Returns how many rows are of another topic that had the same name."""
    if completed is None:
        return 0
    manifest, _ = completed
    return sum(held.of_another(topic, topic_id) for topic, topic_id in manifest.ids.items())


def _strays(held: Coverage, sources: dict[str, dict[int, Range]]) -> int:
    """Returns how many rows no source can have brought."""
    unknown = [topic for (topic,) in held.ask(KNOWN) if topic not in sources]
    ((nowhere,),) = held.ask(NOWHERE)
    return int(nowhere) + sum(held.outside(t, sources.get(t, {})) for t in [*sources, *unknown])


def _verdict(
    held: Coverage,
    parts: list[PartitionVerdict | FileVerdict],
    strays: int,
    versions: dict[str, int],
    examples: list[dict[str, Any]],
    windows: WindowsVerdict,
) -> Verdict:
    gaps, duplicates = sum(p.gaps for p in parts), sum(p.duplicates for p in parts)
    partitions = [part for part in parts if isinstance(part, PartitionVerdict)]
    files = [part for part in parts if isinstance(part, FileVerdict)]
    unexpected = strays + sum(file.unexpected for file in files)
    ((misplaced,),) = held.ask(MISPLACED)
    ((duplicate_events,),) = held.ask(DUPLICATE_EVENTS)
    return Verdict(
        ok=not (gaps or duplicates or unexpected or misplaced or windows.wrong),
        records=sum(p.records for p in parts),
        logs=sum(p.logs for p in parts),
        quarantine=sum(p.quarantine for p in parts),
        gaps=gaps,
        duplicates=duplicates,
        unexpected=unexpected,
        misplaced=misplaced,
        in_flight=sum(p.in_flight for p in parts),
        duplicate_event_ids=duplicate_events,
        windows_checked=windows.checked,
        windows_wrong=windows.wrong,
        windows_late=windows.late,
        late_rows=windows.late_rows,
        invisible=sum(p.invisible for p in partitions),
        retained=sum(p.retained for p in parts),
        erased=sum(p.erased for p in parts),
        lost=sum(p.lost for p in partitions),
        versions=versions,
        partitions=partitions,
        files=files,
        examples_of_gaps=examples,
        examples_of_windows=windows.faults,
    )
