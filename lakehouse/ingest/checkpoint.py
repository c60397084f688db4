"""What a query has done so far: Spark's checkpoint, read without Spark, and the manifest beside it.

The manifest binds a checkpoint to its topic, its place and its tables, before its first batch.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from lakehouse.errors import CheckpointError
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.store.durable import sync

MANIFEST = "manifest.json"
RECOVERABLE = ("ingest", "windows", "minutes")
Found = TypeVar("Found")
Offsets = dict[int, int]


class Span(msgspec.Struct, frozen=True):
    """The records of a topic that earlier checkpoints took: [first, end) of each partition."""

    topic: str
    topic_id: str
    first: Offsets
    end: Offsets


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint was made for.

    `first` is where the promise begins, `start` where this checkpoint does; up to `held` records
    may be in the tables already (after `recover`); `past` are topics that it read no more.
    """

    query: str
    query_id: str
    location: str
    topic: str
    topic_id: str
    columns: dict[str, dict[str, str]]
    first: Offsets
    start: Offsets
    held: Offsets = {}
    past: list[Span] = []
    decode_version: int
    created_at: datetime


class Progress(msgspec.Struct, frozen=True):
    """Batches of a checkpoint: `planned` has its offsets, `completed` its commit; None for none."""

    query_id: str
    planned: int | None
    completed: int | None


class Checkpoint:
    """The checkpoint of one query and what lies beside it."""

    def __init__(self, places: Places, query: str) -> None:
        self.query, self.location = query, places.checkpoint(query)
        self._places, self._ledger = places, places.ledger(query)

    def progress(self) -> Progress | None:
        """How far the query came, None where Spark has no checkpoint.

        Raises CheckpointError where a file that Spark would go on from is not whole.
        """
        query_id = self._whole("metadata", lambda content: str(json.loads(content)["id"]))
        if query_id is None:
            return None
        newest = {folder: self._newest(folder) for folder in ("offsets", "commits")}
        for folder, batch in newest.items():
            self._whole(f"{folder}/{batch}", _lines)
        return Progress(query_id, newest["offsets"], newest["commits"])

    def ended(self) -> datetime | None:
        """When the newest batch was completed, None before the first."""
        newest = self._newest("commits")
        if newest is None:
            return None
        return objects.modified(objects.reader(self.location), f"commits/{newest}")

    def watermark(self, batch: int) -> datetime | None:
        """The event time that a batch took for complete, None before the first."""
        found = self._whole(f"offsets/{batch}", lambda content: json.loads(_lines(content)[1]))
        millis = (found or {}).get("batchWatermarkMs", 0)
        return datetime.fromtimestamp(millis / 1000, UTC) if millis else None

    def offsets(self, batch: int) -> str:
        """The end of a batch as its source wrote it (JSON); the manifest's start for batch -1."""
        if batch < 0:
            return kafka_json(self._manifest())
        found = self._whole(f"offsets/{batch}", lambda content: _lines(content)[2])
        if found is None:
            raise CheckpointError(
                f"the checkpoint {self.location} has no offsets of batch {batch}",
                f"make it anew: `logpond recover {self.query}`",
            )
        return found

    def end(self, batch: int | None) -> Offsets:
        """One past the last record of each partition that batches up to `batch` took."""
        manifest = self._manifest()
        if batch is None:
            return dict(manifest.start)
        return {**manifest.start, **parse_offsets(self.offsets(batch), manifest.topic)}

    def manifest(self) -> Manifest | None:
        """What the checkpoint was made for, None before its first start."""
        content = objects.get(objects.reader(self._ledger), MANIFEST)
        try:
            return None if content is None else msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError as error:
            raise torn(f"{self._ledger}/{MANIFEST}", self.query) from error

    def put_torn_manifest_aside(self) -> None:
        """Rename a manifest that is not whole, so that there is none."""
        try:
            self.manifest()
        except CheckpointError:
            at = objects.store(self._ledger)
            name = f"manifest-torn-{uuid.uuid4().hex[:8]}.json"
            objects.put(at, name, objects.get(at, MANIFEST) or b"")
            objects.delete(at, MANIFEST)

    def adopt(self, manifest: Manifest) -> Manifest:
        """Write the manifest and give Spark its query id, in this order; both safe to repeat."""
        written = msgspec.json.format(msgspec.json.encode(manifest))
        objects.put(objects.store(self._ledger), MANIFEST, written)
        metadata = json.dumps({"id": manifest.query_id}).encode()
        objects.create(objects.store(self.location), "metadata", metadata)
        sync(self._places, self._ledger, [MANIFEST])
        sync(self._places, self.location, ["metadata"])
        return manifest

    def sync(self, batch: int) -> None:
        """Have on the disk what Spark wrote before it began a batch, its offsets among it."""
        first = ["sources/0/0"] if batch == 0 else []
        sync(self._places, self.location, [*first, f"offsets/{batch}", f"commits/{batch - 1}"])

    def retire(self, suffix: str) -> str | None:
        """Move Spark's part aside and keep the manifest under its query id; deletes nothing.

        Where Spark's part lies then, None if there was none.
        """
        manifest = self.manifest()
        if manifest is not None:
            name = f"manifest-{manifest.query_id}.json"
            objects.put(objects.store(self._ledger), name, msgspec.json.encode(manifest))
        return objects.move_aside(self.location, suffix)

    def _manifest(self) -> Manifest:
        manifest = self.manifest()
        if manifest is None:
            raise CheckpointError(
                f"the checkpoint {self.location} has no manifest",
                f"make it anew: `logpond recover {self.query}`",
            )
        return manifest

    def _whole(self, name: str, parse: Callable[[bytes], Found]) -> Found | None:
        """What an object of Spark's part says; None where there is none."""
        content = objects.get(objects.reader(self.location), name)
        try:
            return None if content is None else parse(content)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise torn(f"{self.location}/{name}", self.query) from error

    def _newest(self, folder: str) -> int | None:
        found = objects.names(objects.reader(self.location), folder)
        batches = [int(name) for name in found if re.fullmatch(r"\d+", name)]
        return max(batches, default=None)


def torn(file: str, query: str) -> CheckpointError:
    """What to say of a file of a query that is not whole."""
    if query in RECOVERABLE:
        costs = "no record is lost or repeated, as the tables say how far it came"
        remedy = f"{costs}: `logpond recover {query}`"
    else:
        remedy = "move it aside, and import its file anew: `logpond import FILE --again`"
    return CheckpointError(
        f"{file} is not whole, as a crash of the machine leaves it: {query} cannot go on by it",
        remedy,
    )


def _lines(content: bytes) -> list[str]:
    """The lines of a batch as Spark writes it: a version, then JSON, or a dash for nothing."""
    version, *lines = content.decode().splitlines()
    if not version.startswith("v"):
        raise ValueError("no version")
    for line in lines:
        if line != "-":
            json.loads(line)
    return [version, *lines]


def kafka_json(manifest: Manifest) -> str:
    """Where the checkpoint starts, in the form of Spark's Kafka source."""
    return json.dumps({manifest.topic: {str(p): o for p, o in sorted(manifest.start.items())}})


def parse_offsets(text: str, topic: str) -> Offsets:
    """Offsets by partition out of the JSON of Spark's Kafka source; empty for another source."""
    found: Any = json.loads(text)
    parts = found.get(topic, {}) if isinstance(found, dict) else {}
    return {int(partition): int(offset) for partition, offset in parts.items()}
