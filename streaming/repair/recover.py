"""Makes a lost, copied or old checkpoint anew from what the tables hold."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import Stretch
from lakehouse.ingest.admission import new_manifest
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.manifest import Manifest, Subscription, TopicPast
from lakehouse.ingest.offsets import Offsets, TopicOffsets, parse_offsets
from lakehouse.ingest.plans import (
    BatchPlan,
    BatchPlans,
    carry_out,
    lost_tables,
    newest,
    note_invisible,
)
from lakehouse.ingest.topic_check import refuse_moved_back, refuse_remade
from lakehouse.paths import Places
from lakehouse.proof.coverage import Coverage, Range, current
from lakehouse.runtime.kafka import Topic
from lakehouse.store import Writer
from lakehouse.tables.catalog import Table


@dataclass(frozen=True)
class Recovery:
    """The result of a recovery: where the new checkpoint starts, and what the broker lost."""

    query_id: str
    start: TopicOffsets
    held: TopicOffsets
    finished_plans: int
    losses: list[Stretch]
    kept_as: str | None

    @property
    def lost(self) -> int:
        """How many records the broker removed before they were read."""
        return sum(loss.last - loss.first + 1 for loss in self.losses)


def moved(places: Places, query: str) -> Manifest:
    """Binds a checkpoint to its present place, after its old place was given up."""
    checkpoint = Checkpoint(places, query)
    manifest = checkpoint.manifest()
    if manifest is None:
        raise CheckpointError(
            f"there is no manifest of {query} in {places.checkpoints}",
            "name the place that it was moved to with --lake",
        )
    return checkpoint.adopt(msgspec.structs.replace(manifest, location=checkpoint.location))


def anew(places: Places, query: str) -> str | None:
    """Moves the checkpoint of a query that needs only its tables aside. Returns the new place."""
    checkpoint = Checkpoint(places, query)
    checkpoint.put_torn_manifest_aside()
    return checkpoint.retire(f".before-{uuid.uuid4().hex[:8]}")


def recover(
    places: Places,
    query: str,
    topics: Sequence[Topic],
    earliest: TopicOffsets,
    writers: Mapping[str, Writer],
    tables: Sequence[Table],
    decode_version: int,
    ends: TopicOffsets | None = None,
) -> Recovery:
    """Finishes the plans left over, then starts a checkpoint at the first missing record.

    The old checkpoint is moved aside. Safe to repeat after a crash at any point. `ends` are the
    present ends of the partitions: where one is before what the tables hold, BrokerError is raised.
    """
    checkpoint, plans = Checkpoint(places, query), BatchPlans(places)
    checkpoint.put_torn_manifest_aside()
    old = checkpoint.manifest()
    _refuse_remade(places, old, topics)
    finished, torn = _finish(places, plans, old, writers)
    new = new_manifest(places, query, topics, earliest, tables, decode_version)
    new, losses = _at_first_missing(places, new, old, earliest, torn)
    held = {name: of.held for name, of in new.topics.items()}
    for topic, of in (ends or {}).items():
        refuse_moved_back(topic, {p: (0, end) for p, end in of.items()}, held.get(topic, {}))
    kept_as = checkpoint.retire(f".before-{new.query_id[:8]}")
    checkpoint.adopt(new)
    return Recovery(new.query_id, new.start, held, finished, losses, kept_as)


def _refuse_remade(places: Places, old: Manifest | None, topics: Sequence[Topic]) -> None:
    """Raises if a topic was made anew, by the manifest or, if that is lost, by the rows."""
    known = old.ids if old else {}
    with current(places) as held:
        for topic in topics:
            refuse_remade(topic.name, known.get(topic.name, topic.id), topic.id)
            if topic.name not in known and held.of_another(topic.name, topic.id):
                refuse_remade(topic.name, "of the rows", topic.id)


def _finish(
    places: Places, plans: BatchPlans, old: Manifest | None, writers: Mapping[str, Writer]
) -> tuple[int, list[BatchPlan]]:
    """Commits plans as far as their files are whole.

    Returns how many brought something, and those of which a table misses its part: that is read
    again.
    """
    if old is None:
        return 0, []
    kept = plans.whole(old.query_id)
    last = [newest([p for p in kept if p.batch == batch]) for batch in {p.batch for p in kept}]
    finished, torn = 0, list[BatchPlan]()
    for plan in (plan for plan in last if plan):
        lost = lost_tables(places, plan, writers)
        finished += carry_out(plan, writers, skip=lost)
        torn += [plan] if lost else []
        note_invisible(places, plan)
    return finished, torn


def _at_first_missing(
    places: Places,
    new: Manifest,
    old: Manifest | None,
    earliest: TopicOffsets,
    torn: Sequence[BatchPlan],
) -> tuple[Manifest, list[Stretch]]:
    """Returns the manifest that starts at the first missing offsets, and the lost records.

    Offsets that are noted as absent are not missing. Of a batch that came to one table alone, a
    record of several events may be there in part.
    """
    topics, losses = dict[str, Subscription](), list[Stretch]()
    with current(places) as held:
        for name, of in new.topics.items():
            first = _first(held, name, old, earliest[name])
            missing, ends = held.first_missing(name, held.retained(name, first))
            for ranges in (_ranges(plan, name) for plan in torn):
                parts = held.first_of_several(name, ranges)
                missing = {p: min(o, parts.get(p, o)) for p, o in missing.items()}
            start = {p: max(offset, earliest[name].get(p, 0)) for p, offset in missing.items()}
            gone = {p: Range(o, o, start[p], start[p]) for p, o in missing.items() if o < start[p]}
            losses += held.gaps(name, gone)
            topics[name] = Subscription(of.topic_id, first, start, ends)
        past = _past(held, old, topics)
    return msgspec.structs.replace(new, topics=topics, past=past), losses


def _ranges(plan: BatchPlan, topic: str) -> dict[int, Range]:
    """Returns what a plan was to bring of a topic."""
    firsts, ends = (parse_offsets(text).get(topic, {}) for text in (plan.start, plan.end))
    return {p: Range(first := firsts.get(p, 0), first, end, end) for p, end in ends.items()}


def _first(held: Coverage, topic: str, old: Manifest | None, earliest: Offsets) -> Offsets:
    """Returns where the promise begins: as noted, or at the first record of broker or tables."""
    noted = {past.topic: past.first for past in old.past} if old else {}
    noted |= {name: of.first for name, of in old.topics.items()} if old else {}
    if topic in noted:
        return {**earliest, **noted[topic]}
    lowest = held.lowest(topic)
    return {**lowest, **{p: min(first, lowest.get(p, first)) for p, first in earliest.items()}}


def _past(held: Coverage, old: Manifest | None, topics: Collection[str]) -> list[TopicPast]:
    """Returns the offsets of topics that are no longer read, as far as the tables hold them."""
    if old is None:
        return []
    pasts = [past for past in old.past if past.topic not in topics]
    for name, of in old.topics.items():
        if name not in topics:
            _, ends = held.first_missing(name, held.retained(name, of.first))
            pasts.append(TopicPast(name, of.topic_id, of.first, {**of.first, **ends}))
    return pasts
