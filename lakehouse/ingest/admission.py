"""The checks at a start: a query goes on only where it neither loses, repeats nor mixes data."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pyarrow.compute as pc

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, Offsets, Progress
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
    topic: Topic,
    earliest: Offsets,
    tables: Sequence[Table],
    decode_version: int,
) -> Manifest:
    """The manifest under which the query may start; a new one where nothing was read yet.

    Raises CheckpointError, which says what does not match and what to do.
    """
    checkpoint = Checkpoint(places, query)
    manifest, progress = checkpoint.manifest(), checkpoint.progress()
    if manifest is None:
        _refuse_unless_new(places, query, progress, topic, tables)
        manifest = new_manifest(places, query, topic, earliest, tables, decode_version)
        return checkpoint.adopt(manifest)
    _refuse_mismatch(checkpoint, manifest, topic)
    _refuse_lost_progress(places, manifest, progress, tables)
    _refuse_other_plan(places, checkpoint, progress)
    return checkpoint.adopt(_with_columns(manifest, columns_of(tables), query))


def look(places: Places, query: str, tables: Sequence[Table]) -> Manifest | None:
    """The checks of a start that need no Kafka, and write nothing; None where nothing was read yet.

    Raises CheckpointError as `admit` does. Not to be asked while the query runs.
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
    if progress is None or progress.planned is None or progress.planned == progress.completed:
        return
    batch = progress.planned
    start, end = checkpoint.offsets(batch - 1), checkpoint.offsets(batch)
    BatchPlans(places).find(progress.query_id, batch, start, end)


def new_manifest(
    places: Places,
    query: str,
    topic: Topic,
    first: Offsets,
    tables: Sequence[Table],
    decode_version: int,
) -> Manifest:
    """A manifest with a query id of its own, for a checkpoint that starts at `first`."""
    return Manifest(
        query=query,
        query_id=str(uuid.uuid4()),
        location=places.checkpoint(query),
        topic=topic.name,
        topic_id=topic.id,
        columns=columns_of(tables),
        first=first,
        start=first,
        decode_version=decode_version,
        created_at=datetime.now(UTC),
    )


def columns_of(tables: Sequence[Table]) -> Columns:
    """Names and types of every column that a query writes, by table."""
    return {table.name: {f.name: str(f.type) for f in table.columns} for table in tables}


def has_rows_of(places: Places, table: Table, topic: str) -> bool:
    """Whether a table holds a record of a topic."""
    found = store.table_or_none(places, table)
    if found is None:
        return False
    of_topic = pc.field("_topic") == topic
    return bool(found.to_pyarrow_dataset().head(1, columns=["_topic"], filter=of_topic).num_rows)


def _refuse_unless_new(
    places: Places,
    query: str,
    progress: Progress | None,
    topic: Topic,
    tables: Sequence[Table],
) -> None:
    recover = f"make it anew from what the tables hold: `logpond recover {query}`"
    if progress is not None:
        raise CheckpointError(f"the checkpoint {places.checkpoint(query)} has no manifest", recover)
    filled = [table.name for table in tables if has_rows_of(places, table, topic.name)]
    if filled:
        raise CheckpointError(
            f"{' and '.join(filled)} hold records of {topic.name}, but the checkpoint "
            f"{places.checkpoint(query)} is missing: a start would read them again",
            recover,
        )


def _refuse_copy(checkpoint: Checkpoint, manifest: Manifest) -> None:
    if manifest.location != checkpoint.location:
        raise CheckpointError(
            f"the checkpoint {checkpoint.location} was made as {manifest.location}: it is a copy, "
            "or was moved; two copies that write to one table lose records",
            f"if it was moved: `logpond recover {manifest.query} --moved`",
        )


def _refuse_mismatch(checkpoint: Checkpoint, manifest: Manifest, topic: Topic) -> None:
    _refuse_copy(checkpoint, manifest)
    if manifest.topic != topic.name:
        raise CheckpointError(
            f"the checkpoint {checkpoint.location} reads topic {manifest.topic}, not {topic.name}",
            f"go back to `--topic {manifest.topic}`, or begin with {topic.name} for good: "
            f"`logpond recover {manifest.query}`",
        )
    refuse_remade(topic.name, manifest.topic_id, topic.id)


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
    return taken and not any(has_rows_of(places, table, manifest.topic) for table in tables)


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
