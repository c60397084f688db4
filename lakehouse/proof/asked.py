"""What the tables must hold: records of topics by partition, and imported files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.errors import CheckpointError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.manifest import Manifest, TopicPast
from lakehouse.ingest.offsets import Offsets, TopicOffsets
from lakehouse.proof.coverage import Range, retained
from lakehouse.proof.files import AskedFile, FileVerdict
from lakehouse.proof.proved import Extent, Proof
from lakehouse.proof.verdict import PartitionVerdict

Completed = tuple[Manifest, TopicOffsets]
Sources = dict[str, dict[int, Range]]
EXTENTS = pa.schema(
    [
        pa.field("_topic", pa.string()),
        pa.field("_partition", pa.int32()),
        pa.field("low_", pa.int64()),
        pa.field("was_", pa.int64()),
        pa.field("end_", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Asked:
    """What must be found; of what `proof` has, only what came since is looked for."""

    sources: Sources
    topic_ids: dict[str, str]
    files: dict[str, AskedFile]
    firsts: dict[str, date]
    proof: Proof | None = None
    _proved: dict[tuple[str, int], Extent] = field(default_factory=dict)

    def since(self, proof: Proof) -> Asked:
        """Returns what is left to be found of it."""
        known = {(one.topic, one.partition): one for one in proof.extents}
        return dataclasses.replace(self, proof=proof, _proved=known)

    @property
    def ranges(self) -> Sources:
        """What is looked for now, by topic and partition."""
        return {
            topic: {p: self._left(topic, p, of) for p, of in ranges.items()}
            for topic, ranges in self.sources.items()
        }

    @property
    def partitions(self) -> dict[tuple[str, int], PartitionVerdict]:
        """What was found of partitions before, by topic and partition."""
        found = self.proof.partitions if self.proof else []
        return {(one.topic, one.partition): one for one in found}

    @property
    def contents(self) -> dict[str, FileVerdict]:
        """What was found of imported files before, by sha256."""
        found = self.proof.contents if self.proof else {}
        return {sha256: one.verdict for sha256, one in found.items()}

    @property
    def extents(self) -> list[Extent]:
        """The offsets that are proved if nothing is wrong."""
        of_topics = [
            Extent(topic=topic, partition=p, lowest=of.lowest, first=of.first, end=of.end)
            for topic, ranges in self.sources.items()
            for p, of in ranges.items()
        ]
        of_files = [
            Extent(topic=one.what.topic, partition=0, lowest=0, first=0, end=one.records)
            for one in self.files.values()
            if one.is_in
        ]
        return [*of_topics, *of_files]

    def extents_as_rows(self) -> pa.Table:
        """Returns the extents with the offset `was_` up to which each was proved before."""
        rows = [
            {
                "_topic": one.topic,
                "_partition": one.partition,
                "low_": one.lowest,
                "was_": known.end if (known := self._proved.get((one.topic, one.partition))) else 0,
                "end_": one.end,
            }
            for one in self.extents
        ]
        return pa.Table.from_pylist(rows, schema=EXTENTS)

    def refusal(self, proof: Proof) -> str:
        """Returns why nothing can be built on a proof; empty where it can.

        What it has proved must be part of what is asked for now, under the same conditions.
        """
        now = {(one.topic, one.partition): one for one in self.extents}
        for known in proof.extents:
            one = now.get((known.topic, known.partition))
            same = one and (one.lowest, one.first) == (known.lowest, known.first)
            if one is None or not same or one.end < known.end:
                return f"it is of other offsets of {known.topic}, partition {known.partition}"
        for sha256, content in proof.contents.items():
            if self.files[sha256].what.batch != content.batch:
                return f"{self.files[sha256].what.path} was imported again since"
        ids = {*proof.topic_ids.items()} - {*self.topic_ids.items()}
        if ids or proof.firsts != self.firsts:
            return "it is of other topics, or of other dates"
        return ""

    def _left(self, topic: str, partition: int, of: Range) -> Range:
        known = self._proved.get((topic, partition))
        return Range(known.end, known.end, of.end, of.limit) if known else of


def completed(checkpoint: Checkpoint, has_files: bool) -> Completed | None:
    """Returns the manifest and the end of the last completed batch; None if only files came.

    Raises CheckpointError where nothing came at all.
    """
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None and has_files:
        return None
    if manifest is None:
        raise CheckpointError(
            "there is nothing to verify: no record was ingested or imported yet",
            "fill the lake with `make demo`, or name another with --lake",
        )
    return manifest, checkpoint.end(progress.completed if progress else None)


def planned(checkpoint: Checkpoint, manifest: Manifest) -> TopicOffsets:
    """Returns how far rows may reach: a batch in flight, or what was there before a recovery."""
    progress, topics = checkpoint.progress(), manifest.topics
    ends = checkpoint.end(progress.planned if progress else None)
    return {
        topic: {p: max(end, topics[topic].held.get(p, 0)) for p, end in of.items()}
        for topic, of in ends.items()
        if topic in topics
    }


def sources(
    tables: Sequence[DeltaTable], done: Completed | None, limit: Mapping[str, Offsets]
) -> Sources:
    """Returns topic -> ranges that must be found, for earlier topics and the present ones."""
    if done is None:
        return {}
    manifest, end = done
    before = {past.topic: _ranges(tables, past, past.held) for past in manifest.past}
    now = {
        name: _ranges(tables, past, limit.get(name, {}))
        for name, of in manifest.topics.items()
        for past in [TopicPast(name, of.topic_id, of.first, end[name])]
    }
    return {**before, **now}


def _ranges(tables: Sequence[DeltaTable], past: TopicPast, limit: Offsets) -> dict[int, Range]:
    """Returns the ranges of one topic.

    Rows that an old `retain` deleted were not noted one by one, so below its point rows may be
    there.
    """
    lowest = {partition: past.first.get(partition, 0) for partition in past.end}
    first = retained(tables, past.topic, lowest)
    return {
        p: Range(lowest[p], min(first[p], end), end, max(end, limit.get(p, end)))
        for p, end in past.end.items()
    }
