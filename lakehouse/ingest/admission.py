"""The checks at a start: a query runs only if it cannot lose, repeat or mix data."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pyarrow.compute as pc

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.formats.reading import Reading
from lakehouse.ingest.checkpoint import Checkpoint, Progress
from lakehouse.ingest.manifest import Manifest, Subscription, TopicPast
from lakehouse.ingest.offsets import Offsets, TopicOffsets
from lakehouse.ingest.plans import BatchPlans, app_id
from lakehouse.ingest.topic_check import refuse_remade
from lakehouse.paths import Places
from lakehouse.runtime.kafka import Topic
from lakehouse.tables.catalog import Table

Columns = dict[str, dict[str, str]]
# A batch has a second attempt only where a planned file was lost; nobody has seen a third.
ATTEMPTS_LOOKED_AT = 10


def admit(
    places: Places,
    query: str,
    topics: Sequence[Topic],
    earliest: TopicOffsets,
    tables: Sequence[Table],
    decode_version: int,
    readings: Mapping[str, Reading] | None = None,
) -> Manifest:
    """Returns the manifest under which the query may start; a new one if nothing was read yet.

    A topic that is new begins at its earliest record, one that was read before where that ended.
    `readings` say how each is read; where they do not, it is as the last start did.
    Raises CheckpointError, which says what does not match and what to do.
    """
    checkpoint = Checkpoint(places, query)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None:
        _refuse_unless_new(places, query, progress, topics, tables)
        manifest = new_manifest(places, query, topics, earliest, tables, decode_version)
        return checkpoint.adopt(_reading(manifest, readings or {}))
    _refuse_mismatch(checkpoint, manifest, topics)
    _refuse_lost_progress(places, manifest, progress, tables)
    _refuse_other_plan(places, checkpoint, progress)
    new = [topic for topic in topics if topic.name not in manifest.ids]
    _refuse_held(places, query, new, tables)
    manifest = _resubscribed(manifest, topics, earliest, checkpoint)
    manifest = _reading(manifest, readings or {})
    return checkpoint.adopt(_with_columns(manifest, columns_of(tables), query))


def _reading(manifest: Manifest, readings: Mapping[str, Reading]) -> Manifest:
    """The same with how its topics are read."""
    topics = {
        name: msgspec.structs.replace(of, reading=readings.get(name, of.reading))
        for name, of in manifest.topics.items()
    }
    return msgspec.structs.replace(manifest, topics=topics)


def is_midway(progress: Progress | None) -> bool:
    """Whether a batch was begun and not completed: the next start takes it as it was planned."""
    return progress is not None and progress.planned != progress.completed


def _resubscribed(
    manifest: Manifest, topics: Sequence[Topic], earliest: TopicOffsets, checkpoint: Checkpoint
) -> Manifest:
    """The same for other topics: what is not read any more is noted up to where it was taken."""
    progress = checkpoint.progress()
    end = checkpoint.end(progress.completed if progress else None)
    names = {topic.name for topic in topics}
    left = [
        TopicPast(name, of.topic_id, of.first, end[name], of.held)
        for name, of in manifest.topics.items()
        if name not in names
    ]
    pasts = {past.topic: past for past in manifest.past}
    back = {
        name: Subscription(past.topic_id, past.first, past.end, past.held)
        for name, past in pasts.items()
        if name in names
    }
    known = {**back, **manifest.topics}
    read = {
        topic.name: known.get(topic.name) or _from_the_first(topic, earliest) for topic in topics
    }
    past = [past for name, past in pasts.items() if name not in read]
    return msgspec.structs.replace(manifest, topics=read, past=[*past, *left])


def _from_the_first(topic: Topic, earliest: TopicOffsets) -> Subscription:
    first = earliest[topic.name]
    return Subscription(topic.id, first, first)


def look(places: Places, query: str, tables: Sequence[Table]) -> Manifest | None:
    """Checks a start without Kafka, and writes nothing. Returns None where nothing was read yet.

    Raises CheckpointError as `admit` does. Must not be called while the query runs.
    """
    checkpoint = Checkpoint(places, query)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None:
        return None
    _refuse_copy(checkpoint, manifest)
    _refuse_lost_progress(places, manifest, progress, tables)
    _refuse_other_plan(places, checkpoint, progress)
    return manifest


def _refuse_other_plan(places: Places, checkpoint: Checkpoint, progress: Progress | None) -> None:
    """The plan of the batch that is to be replayed must be of its records."""
    if progress is None or progress.planned is None or not is_midway(progress):
        return
    batch = progress.planned
    start, end = checkpoint.offsets(batch - 1), checkpoint.offsets(batch)
    BatchPlans(places).find(progress.query_id, batch, start, end)


def new_manifest(
    places: Places,
    query: str,
    topics: Sequence[Topic],
    first: Mapping[str, Offsets],
    tables: Sequence[Table],
    decode_version: int,
) -> Manifest:
    """A manifest with a query id of its own, for a checkpoint that starts at `first`."""
    return Manifest(
        query=query,
        query_id=str(uuid.uuid4()),
        location=places.checkpoint(query),
        topics={t.name: Subscription(t.id, first[t.name], first[t.name]) for t in topics},
        columns=columns_of(tables),
        decode_version=decode_version,
        created_at=datetime.now(UTC),
    )


def columns_of(tables: Sequence[Table]) -> Columns:
    """Names and types of every column that a query writes, by table."""
    return {table.name: {f.name: str(f.type) for f in table.columns} for table in tables}


def has_rows_of(places: Places, table: Table, topics: Collection[str]) -> bool:
    """Whether a table holds a record of any of these topics."""
    found = store.table_or_none(places, table)
    if found is None:
        return False
    of_them = pc.field("_topic").isin([*topics])
    return bool(found.to_pyarrow_dataset().head(1, columns=["_topic"], filter=of_them).num_rows)


def _refuse_unless_new(
    places: Places,
    query: str,
    progress: Progress | None,
    topics: Sequence[Topic],
    tables: Sequence[Table],
) -> None:
    recover = f"make it anew from what the tables hold: `logpond recover {query}`"
    if progress is not None:
        raise CheckpointError(f"the checkpoint {places.checkpoint(query)} has no manifest", recover)
    _refuse_held(places, query, topics, tables)


def _refuse_held(
    places: Places, query: str, topics: Sequence[Topic], tables: Sequence[Table]
) -> None:
    """The tables must have nothing of topics that the checkpoint does not know."""
    names = [topic.name for topic in topics]
    filled = [table.name for table in tables if names and has_rows_of(places, table, names)]
    if filled:
        raise CheckpointError(
            f"{' and '.join(filled)} hold records of {' or '.join(names)}, but the checkpoint "
            f"{places.checkpoint(query)} is missing, or does not know it: a start would read them "
            "again",
            f"make it anew from what the tables hold: `logpond recover {query}`",
        )


def _refuse_copy(checkpoint: Checkpoint, manifest: Manifest) -> None:
    if manifest.location != checkpoint.location:
        raise CheckpointError(
            f"the checkpoint {checkpoint.location} was made as {manifest.location}: it is a copy, "
            "or was moved; two copies that write to one table lose records",
            f"if it was moved: `logpond recover {manifest.query} --moved`",
        )


def _refuse_mismatch(checkpoint: Checkpoint, manifest: Manifest, topics: Sequence[Topic]) -> None:
    _refuse_copy(checkpoint, manifest)
    asked, read = {topic.name for topic in topics}, [*manifest.topics]
    if not asked & {*read}:
        raise CheckpointError(
            f"the checkpoint {checkpoint.location} reads topic {', '.join(read)}, "
            f"not {', '.join(sorted(asked))}",
            f"go back to `--topic {read[0]}`, or begin with {', '.join(sorted(asked))} for good: "
            f"`logpond recover {manifest.query}`",
        )
    for topic in topics:
        refuse_remade(topic.name, manifest.ids.get(topic.name, topic.id), topic.id)


def _refuse_lost_progress(
    places: Places, manifest: Manifest, progress: Progress | None, tables: Sequence[Table]
) -> None:
    """The tables must not know more batches than the checkpoint, nor the checkpoint more."""
    commits = [_last_commit(places, table, manifest.query_id) for table in tables]
    newest = max((last for last in commits if last is not None), default=None)
    planned = progress.planned if progress else None
    remedy = f"make it anew from what the tables hold: `logpond recover {manifest.query}`"
    if progress is not None and progress.query_id != manifest.query_id:
        raise CheckpointError(
            f"the checkpoint {manifest.location} is another than its manifest was written for",
            remedy,
        )
    if newest is not None and (planned is None or planned < newest):
        raise CheckpointError(
            f"the tables hold batch {newest}, but the checkpoint {manifest.location} knows "
            f"{'none' if planned is None else planned}: it is missing, or an older copy",
            remedy,
        )
    if (
        progress is not None
        and progress.completed is not None
        and _are_gone(places, manifest, tables)
    ):
        raise CheckpointError(
            f"the checkpoint {manifest.location} completed batch {progress.completed}, but the "
            f"tables in {places.lake} do not show it: the tables are missing, or others",
            remedy,
        )


def _are_gone(places: Places, manifest: Manifest, tables: Sequence[Table]) -> bool:
    """Whether a table is missing, or none holds a record of the topic though some were taken."""
    if any(store.table_or_none(places, table) is None for table in tables):
        return True
    # over an empty topic Spark completes a first batch of no records
    checkpoint = Checkpoint(places, manifest.query)
    progress = checkpoint.progress()
    taken = checkpoint.end(progress.completed if progress else None) != manifest.start
    return taken and not any(has_rows_of(places, table, manifest.topics) for table in tables)


def _last_commit(places: Places, table: Table, query_id: str) -> int | None:
    """The newest batch that a table has of a query, in whatever attempt."""
    found = store.table_or_none(places, table)
    apps = [app_id(query_id, table.name, attempt) for attempt in range(ATTEMPTS_LOOKED_AT)]
    versions = [found.transaction_version(app) for app in apps] if found else []
    return max((version for version in versions if version is not None), default=None)


def _with_columns(manifest: Manifest, wanted: Columns, query: str) -> Manifest:
    """Added columns are noted; removed or retyped ones stop the start."""
    changed = [
        f"{table}.{name} ({kind} -> {wanted.get(table, {}).get(name, 'removed')})"
        for table, columns in manifest.columns.items()
        for name, kind in columns.items()
        if wanted.get(table, {}).get(name) != kind
    ]
    if changed:
        raise CheckpointError(
            f"columns of {query} changed since its checkpoint was made: {', '.join(changed)}",
            "put them back: a column may be added, but not removed or retyped in a lake with rows",
        )
    return msgspec.structs.replace(manifest, columns=wanted)
