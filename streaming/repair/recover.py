"""A lost, copied or older checkpoint is made anew from what the tables hold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from lakehouse.errors import CheckpointError
from lakehouse.ingest.absent import Stretch
from lakehouse.ingest.admission import new_manifest
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, Offsets, Span
from lakehouse.ingest.plans import BatchPlans, carry_out, lost_tables, newest, note_invisible
from lakehouse.ingest.topic_check import refuse_moved_back, refuse_remade
from lakehouse.paths import Places
from lakehouse.proof.coverage import Coverage, Range, current
from lakehouse.runtime.kafka import Topic
from lakehouse.store import Writer
from lakehouse.tables.catalog import Table


@dataclass(frozen=True)
class Recovery:
    """What a recovery did: where the new checkpoint starts, and what the broker no longer has."""

    query_id: str
    start: Offsets
    held: Offsets
    finished_plans: int
    losses: list[Stretch]
    kept_as: str | None

    @property
    def lost(self) -> int:
        """How many records the broker removed before they were read."""
        return sum(loss.last - loss.first + 1 for loss in self.losses)


def moved(places: Places, query: str) -> Manifest:
    """Bind a checkpoint to the place where it lies now, where the old place is given up."""
    checkpoint = Checkpoint(places, query)
    manifest = checkpoint.manifest()
    if manifest is None:
        raise CheckpointError(
            f"there is no manifest of {query} in {places.checkpoints}",
            "name the place that it was moved to with --lake",
        )
    return checkpoint.adopt(msgspec.structs.replace(manifest, location=checkpoint.location))


def anew(places: Places, query: str) -> str | None:
    """Move the checkpoint of a query that rests on its tables alone aside; where it lies then."""
    checkpoint = Checkpoint(places, query)
    checkpoint.put_torn_manifest_aside()
    return checkpoint.retire(f".before-{uuid.uuid4().hex[:8]}")


def recover(
    places: Places,
    query: str,
    topic: Topic,
    earliest: Offsets,
    writers: Mapping[str, Writer],
    tables: Sequence[Table],
    decode_version: int,
    ends: Offsets | None = None,
) -> Recovery:
    """Finish the plans left over, then start a checkpoint at the first record that is missing.

    The old checkpoint is moved aside. Safe to repeat after a crash at any point. With `ends`, where
    the partitions end now, one that ends before what the tables hold is refused (BrokerError).
    """
    checkpoint, plans = Checkpoint(places, query), BatchPlans(places)
    checkpoint.put_torn_manifest_aside()
    old = checkpoint.manifest()
    _refuse_remade(places, old, topic)
    finished = _finish(places, plans, old, writers)
    new = new_manifest(places, query, topic, earliest, tables, decode_version)
    new, losses = _at_first_missing(places, new, old, earliest)
    if ends is not None:
        bounds = {p: (earliest.get(p, 0), end) for p, end in ends.items()}
        refuse_moved_back(topic.name, bounds, new.held)
    kept_as = checkpoint.retire(f".before-{new.query_id[:8]}")
    checkpoint.adopt(new)
    return Recovery(new.query_id, new.start, new.held, finished, losses, kept_as)


def _refuse_remade(places: Places, old: Manifest | None, topic: Topic) -> None:
    """By what the manifest says, and by the rows themselves, where the manifest is lost."""
    known = {old.topic: old.topic_id, **{s.topic: s.topic_id for s in old.past}} if old else {}
    refuse_remade(topic.name, known.get(topic.name, topic.id), topic.id)
    with current(places) as held:
        if topic.name not in known and held.of_another(topic.name, topic.id):
            refuse_remade(topic.name, "of the rows", topic.id)


def _finish(
    places: Places, plans: BatchPlans, old: Manifest | None, writers: Mapping[str, Writer]
) -> int:
    """Commit what is planned and whole; a batch that is not will be read again."""
    if old is None:
        return 0
    kept = plans.whole(old.query_id)
    last = [newest([p for p in kept if p.batch == batch]) for batch in {p.batch for p in kept}]
    finished = 0
    for plan in (plan for plan in last if plan):
        finished += carry_out(plan, writers, skip=lost_tables(places, plan, writers))
        note_invisible(places, old.topic, plan)
    return finished


def _at_first_missing(
    places: Places, new: Manifest, old: Manifest | None, earliest: Offsets
) -> tuple[Manifest, list[Stretch]]:
    """The new manifest at the first offset missing in the tables, and which records are lost.

    What is noted as absent is not missing.
    """
    with current(places) as held:
        first = _first(held, new.topic, old, earliest)
        missing, ends = held.first_missing(new.topic, held.retained(new.topic, first))
        past = _past(held, old, new.topic)
        start = {p: max(offset, earliest.get(p, 0)) for p, offset in missing.items()}
        gone = {p: Range(o, o, start[p], start[p]) for p, o in missing.items() if o < start[p]}
        losses = held.gaps(new.topic, gone)
    return msgspec.structs.replace(new, first=first, start=start, held=ends, past=past), losses


def _first(held: Coverage, topic: str, old: Manifest | None, earliest: Offsets) -> Offsets:
    """Where the promise begins: as noted, else at the first record that broker or tables have."""
    noted = {span.topic: span.first for span in old.past} if old else {}
    noted |= {old.topic: old.first} if old else {}
    if topic in noted:
        return {**earliest, **noted[topic]}
    lowest = held.lowest(topic)
    return {**lowest, **{p: min(first, lowest.get(p, first)) for p, first in earliest.items()}}


def _past(held: Coverage, old: Manifest | None, topic: str) -> list[Span]:
    """The spans of topics that are read no more, up to what the tables hold of them."""
    if old is None:
        return []
    others = [span for span in old.past if span.topic != topic]
    if old.topic == topic:
        return others
    _, ends = held.first_missing(old.topic, held.retained(old.topic, old.first))
    return [*others, Span(old.topic, old.topic_id, old.first, {**old.first, **ends})]
