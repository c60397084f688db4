"""Counts what was asked for: by partition and by file, on top of what was proved before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.ingest.absent import KINDS, LOST
from lakehouse.proof.asked import Asked, Sources
from lakehouse.proof.coverage import Coverage, Range
from lakehouse.proof.files import FileVerdict, judge_files
from lakehouse.proof.verdict import PartitionVerdict, Verdict
from lakehouse.windows.check import WindowsVerdict

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
# The notes of absent offsets that excuse something within extents up to `end`, as one text.
NOTES = """
SELECT coalesce(md5(string_agg(line, chr(10) ORDER BY line)), '') FROM (
    SELECT concat_ws('|', a.kind, a._topic, a._partition, greatest(a.first_, e.low_),
        least(a.last_, e.{end} - 1)) AS line
    FROM absent AS a JOIN extents AS e USING (_topic, _partition)
    WHERE a.last_ >= e.low_ AND a.first_ < e.{end})
"""
RULES = """
SELECT coalesce(md5(string_agg(line, chr(10) ORDER BY line)), '') FROM (
    SELECT DISTINCT concat_ws('|', coalesce(rule, ''), _topic, _partition, first_, last_) AS line
    FROM by_rule)
"""


@dataclass(frozen=True)
class Counted:
    """What was counted of records: by partition and by imported file, and in all."""

    partitions: list[PartitionVerdict]
    files: list[FileVerdict]
    strays: int
    misplaced: int
    duplicate_event_ids: int
    examples: list[dict[str, Any]]
    retained_by: dict[str, int]
    notes: str
    rules: str

    def verdict(self, versions: dict[str, int], windows: WindowsVerdict) -> Verdict:
        """Returns the verdict on these counts and on the windows."""
        partitions = self.partitions
        parts: list[PartitionVerdict | FileVerdict] = [*partitions, *self.files]
        gaps, duplicates = sum(p.gaps for p in parts), sum(p.duplicates for p in parts)
        unexpected = self.strays + sum(file.unexpected for file in self.files)
        return Verdict(
            ok=not (gaps or duplicates or unexpected or self.misplaced or windows.wrong),
            records=sum(p.records for p in parts),
            logs=sum(p.logs for p in parts),
            quarantine=sum(p.quarantine for p in parts),
            gaps=gaps,
            duplicates=duplicates,
            unexpected=unexpected,
            misplaced=self.misplaced,
            in_flight=sum(p.in_flight for p in parts),
            duplicate_event_ids=self.duplicate_event_ids,
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
            files=self.files,
            retained_by=self.retained_by,
            examples_of_gaps=self.examples,
            examples_of_windows=windows.faults,
        )


def count(held: Coverage, asked: Asked) -> Counted:
    """Counts the rows in sight, and adds what was proved before, which are not in sight."""
    ranges, proof = asked.ranges, asked.proof
    files, unknown = judge_files(held, asked.files, asked.firsts, asked.contents)
    found = [part for topic, of in ranges.items() for part in _partitions(held, topic, of)]
    before = asked.partitions
    parts = [_sum(before.get((part.topic, part.partition)), part) for part in found]
    others = sum(held.of_another(topic, topic_id) for topic, topic_id in asked.topic_ids.items())
    ((misplaced,),), ((repeated,),) = held.ask(MISPLACED), held.ask(DUPLICATE_EVENTS)
    ((notes,),), ((rules,),) = held.ask(NOTES.format(end="end_")), held.ask(RULES)
    return Counted(
        partitions=parts,
        files=files,
        strays=_strays(held, ranges) + others + unknown,
        misplaced=misplaced,
        duplicate_event_ids=repeated + (proof.duplicate_event_ids if proof else 0),
        examples=_examples(held, ranges) if any(part.gaps for part in parts) else [],
        retained_by=proof.retained_by if proof else held.retained_by(),
        notes=notes,
        rules=rules,
    )


def has_other_notes(held: Coverage, asked: Asked) -> bool:
    """Whether notes of absent offsets that a proof rests on are others now."""
    assert asked.proof
    ((notes,),), ((rules,),) = held.ask(NOTES.format(end="was_")), held.ask(RULES)
    return (notes, rules) != (asked.proof.notes, asked.proof.rules)


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


def _sum(before: PartitionVerdict | None, new: PartitionVerdict) -> PartitionVerdict:
    if before is None:
        return new
    names = ("logs", "quarantine", *KINDS, LOST)
    counts: dict[str, Any] = {n: getattr(before, n) + getattr(new, n) for n in names}
    return replace(new, first=before.first, **counts)


def _examples(held: Coverage, sources: Sources) -> list[dict[str, Any]]:
    """Returns some of the missing records, by topic."""
    return [
        gap._asdict()
        for topic, ranges in sources.items()
        for gap in held.gaps(topic, ranges, MOST_EXAMPLES)
    ]


def _strays(held: Coverage, sources: Mapping[str, dict[int, Range]]) -> int:
    """Returns how many rows no source can have brought."""
    unknown = [topic for (topic,) in held.ask(KNOWN) if topic not in sources]
    ((nowhere,),) = held.ask(NOWHERE)
    return int(nowhere) + sum(held.outside(t, sources.get(t, {})) for t in [*sources, *unknown])
