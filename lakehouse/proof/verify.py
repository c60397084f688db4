"""The promise as queries: each record of topics and imported files once in logs, or else once in
open quarantine; each closed window as a recount says, or listed as late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import KINDS, LOST, Absent, Stretch
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, Offsets, Span
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.paths import Places
from lakehouse.proof.coverage import Coverage, Range, coverage
from lakehouse.proof.files import FileVerdict, judge_files, planned_files
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.windows.check import WindowFault, WindowsVerdict, judge, rollups_of

MISPLACED = """
SELECT count(*) FROM logs WHERE date <> timestamp::DATE OR hour <> date_part('hour', timestamp)
"""
DUPLICATE_EVENTS = "SELECT count(*) - count(DISTINCT hash(event_id)) FROM logs"
MOST_EXAMPLES = 10
KNOWN = "SELECT DISTINCT _topic FROM held WHERE NOT starts_with(_topic, 'file:')"


@dataclass(frozen=True)
class PartitionVerdict:
    """One partition of a topic: records [first, end) were to be found."""

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
    lost: int

    @property
    def records(self) -> int:
        """How many there are, or were: those that are lost too."""
        return self.end - self.first - self.invisible - self.retained


@dataclass(frozen=True)
class Verdict:
    """Whether the tables keep the promise, and the figures it rests on."""

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
    lost: int
    versions: dict[str, int]
    partitions: list[PartitionVerdict] = field(default_factory=list)
    files: list[FileVerdict] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    examples_of_gaps: list[dict[str, Any]] = field(default_factory=list)
    examples_of_windows: list[WindowFault] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def verify(places: Places) -> Verdict:
    """Count every record from the first offset to the end of the last completed batch, every
    record of each imported file, and every closed window.

    Offsets of which it is noted why they have no row are no gaps: `lakehouse.ingest.absent`.
    Raises CheckpointError where nothing was ingested or imported yet.
    """
    checkpoint, zone = INGEST.checkpoint(places), RawZone(places)
    promised = zone.manifests()
    completed = _completed(checkpoint, bool(promised or zone.plans.all()))
    rollups = rollups_of(places)  # before logs, which must have all that they counted
    logs, quarantine = store.open_table(places, LOGS), store.open_table(places, QUARANTINE)
    limit = _planned(checkpoint, completed[0]) if completed else {}
    with coverage(places, logs, quarantine) as held:
        sources = _sources(held, *completed, limit) if completed else {}
        tables = {LOGS.name: logs, QUARANTINE.name: quarantine}
        files, unknown = judge_files(held, promised.values(), planned_files(zone), tables)
        parts = [p for topic, ranges in sources.items() for p in _partitions(held, topic, ranges)]
        strays = _strays(held, sources) + _others(held, completed) + unknown
        gaps = sum(part.gaps for part in parts)
        versions = {name: table.version() for name, table in {**tables, **rollups}.items()}
        windows = judge(places, rollups, logs)
        examples = _examples(held, sources) if gaps else []
        verdict = _verdict(held, [*parts, *files], strays, versions, examples, windows)
        return replace(verdict, losses=[msgspec.to_builtins(n) for n in Absent(places).losses()])


def missing(places: Places, topic: str) -> list[Stretch]:
    """All that `verify` misses of a topic, in order. Raises as it does."""
    checkpoint = INGEST.checkpoint(places)
    completed = _completed(checkpoint, has_files=False)
    tables = store.open_table(places, LOGS), store.open_table(places, QUARANTINE)
    with coverage(places, *tables) as held:
        sources = _sources(held, *completed, {}) if completed else {}
        return held.gaps(topic, sources[topic]) if topic in sources else []


def _completed(checkpoint: Checkpoint, has_files: bool) -> tuple[Manifest, Offsets] | None:
    """The manifest and the end of the last completed batch; None where files alone came."""
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None and has_files:
        return None
    if manifest is None:
        raise CheckpointError(
            "there is nothing to verify: no record was ingested or imported yet",
            "fill the lake with `make demo`, or name another with --lake",
        )
    return manifest, checkpoint.end(progress.completed if progress else None)


def _planned(checkpoint: Checkpoint, manifest: Manifest) -> Offsets:
    """How far rows may reach: a batch in flight, or what was there before a recovery."""
    progress = checkpoint.progress()
    planned = checkpoint.end(progress.planned if progress else None)
    return {p: max(end, manifest.held.get(p, 0)) for p, end in planned.items()}


def _sources(
    held: Coverage, manifest: Manifest, end: Offsets, limit: Offsets
) -> dict[str, dict[int, Range]]:
    """The ranges to be found of each topic: of earlier ones, and of the one that is read."""
    now = Span(manifest.topic, manifest.topic_id, manifest.first, end)
    ranges = {span.topic: _ranges(held, span, span.end) for span in manifest.past}
    return {**ranges, manifest.topic: _ranges(held, now, limit)}


def _ranges(held: Coverage, span: Span, limit: Offsets) -> dict[int, Range]:
    """What an old `retain` deleted is not noted one by one: below its point rows may be there."""
    lowest = {partition: span.first.get(partition, 0) for partition in span.end}
    first = held.retained(span.topic, lowest)
    return {
        p: Range(lowest[p], min(first[p], end), end, max(end, limit.get(p, end)))
        for p, end in span.end.items()
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
    """Some of what is missing, by topic."""
    return [
        gap._asdict()
        for topic, ranges in sources.items()
        for gap in held.gaps(topic, ranges, MOST_EXAMPLES)
    ]


def _others(held: Coverage, completed: tuple[Manifest, Offsets] | None) -> int:
    """Rows of another topic that had the name of one that was read."""
    if completed is None:
        return 0
    manifest, _ = completed
    ids = {span.topic: span.topic_id for span in manifest.past} | {
        manifest.topic: manifest.topic_id
    }
    return sum(held.of_another(topic, topic_id) for topic, topic_id in ids.items())


def _strays(held: Coverage, sources: dict[str, dict[int, Range]]) -> int:
    """Rows that no source can have brought."""
    unknown = [topic for (topic,) in held.ask(KNOWN) if topic not in sources]
    return sum(held.outside(topic, sources.get(topic, {})) for topic in [*sources, *unknown])


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
        lost=sum(p.lost for p in partitions),
        versions=versions,
        partitions=partitions,
        files=files,
        examples_of_gaps=examples,
        examples_of_windows=windows.faults,
    )
