"""The progress of a query: Spark's checkpoint, read without Spark, and its manifest.

The manifest binds a checkpoint to its topics, its place and its tables, before its first batch.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from lakehouse.errors import CheckpointError, LeaseError
from lakehouse.ingest.manifest import Manifest, decoded
from lakehouse.ingest.offsets import TopicOffsets, furthest, kafka_json, parse_offsets
from lakehouse.paths import Places
from lakehouse.storage.lost_answers import repeated
from lakehouse.store import durable, objects
from lakehouse.store.disk import in_words

MANIFEST = "manifest.json"
RECOVERABLE = ("ingest", "windows", "minutes")
Found = TypeVar("Found")


class Progress(msgspec.Struct, frozen=True):
    """Batches of a checkpoint: `planned` has its offsets, `completed` its commit; None for none."""

    query_id: str
    planned: int | None
    completed: int | None


class Checkpoint:
    """The checkpoint of one query, with its manifest."""

    def __init__(self, places: Places, query: str) -> None:
        self.query, self.location = query, places.checkpoint(query)
        self._places, self._ledger = places, places.ledger(query)

    def progress(self) -> Progress | None:
        """Returns how far the query came; None where Spark has no checkpoint.

        Raises CheckpointError where a file that Spark would continue from is not whole.
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
        """Returns the event time up to which a batch was complete; None before the first."""
        found = self._whole(f"offsets/{batch}", lambda content: json.loads(_lines(content)[1]))
        millis = (found or {}).get("batchWatermarkMs", 0)
        return datetime.fromtimestamp(millis / 1000, UTC) if millis else None

    def offsets(self, batch: int) -> str:
        """The end of a batch as its source wrote it (JSON); the manifest's start for batch -1."""
        if batch < 0:
            return kafka_json(self._manifest().start)
        found = self._whole(f"offsets/{batch}", lambda content: _lines(content)[2])
        if found is None:
            raise CheckpointError(
                f"the checkpoint {self.location} has no offsets of batch {batch}",
                f"make it anew: `logpond recover {self.query}`",
            )
        return found

    def end(self, batch: int | None) -> TopicOffsets:
        """One past the last record of each partition that batches up to `batch` took, by topic.

        Of a topic that is read again, Spark plans batches from its first record on. They take
        nothing before the offset where the topic was left, which is where the manifest starts it.
        """
        start = self._manifest().start
        taken = {} if batch is None else parse_offsets(self.offsets(batch))
        return {topic: of for topic, of in furthest(start, taken).items() if topic in start}

    def manifest(self) -> Manifest | None:
        """What the checkpoint was made for, None before its first start."""
        content = objects.get(objects.reader(self._ledger), MANIFEST)
        try:
            return None if content is None else decoded(content)
        except msgspec.DecodeError as error:
            raise torn(f"{self._ledger}/{MANIFEST}", self.query) from error

    def put_torn_manifest_aside(self) -> None:
        """Rename a manifest that is not whole, so that there is none. Raises LeaseError."""
        try:
            self.manifest()
        except CheckpointError:
            at = objects.store(self._ledger)
            name = f"manifest-torn-{uuid.uuid4().hex[:8]}.json"
            self._confirm()
            durable.put(self._places, self._ledger, name, objects.get(at, MANIFEST) or b"")
            objects.delete(at, MANIFEST)

    def adopt(self, manifest: Manifest) -> Manifest:
        """Write the manifest and give Spark its query id, in this order; both safe to repeat.

        Raises LeaseError, and changes nothing, where another process writes now.
        """
        self._put_manifest(msgspec.json.format(msgspec.json.encode(manifest)))
        metadata = json.dumps({"id": manifest.query_id}).encode()
        durable.create(self._places, self.location, "metadata", metadata)
        return manifest

    def sync(self, batch: int) -> None:
        """Syncs to disk what Spark wrote before it began a batch, with its offsets."""
        first = ["sources/0/0"] if batch == 0 else []
        durable.sync(
            self._places, self.location, [*first, f"offsets/{batch}", f"commits/{batch - 1}"]
        )

    def retire(self, suffix: str) -> str | None:
        """Moves Spark's part aside, and keeps the manifest under its query id; deletes nothing.

        Returns the new place of Spark's part; None if there was none. Raises LeaseError, and
        changes nothing, where another process writes now.
        """
        manifest = self.manifest()
        self._confirm()
        if manifest is not None:
            name = f"manifest-{manifest.query_id}.json"
            durable.put(self._places, self._ledger, name, msgspec.json.encode(manifest))
        self._confirm()
        return objects.move_aside(self.location, suffix, self._confirm)

    def _confirm(self) -> None:
        """Raises LeaseError where it is not sure that this process may write; see decision 44."""
        if self._places.fence:
            self._places.fence.confirm()

    def _put_manifest(self, content: bytes) -> None:
        """In a bucket it takes the place of the version that was there when this was allowed."""
        if objects.folder(self._ledger) is not None or not self._places.fence:
            self._confirm()
            durable.put(self._places, self._ledger, MANIFEST, content)
            return
        at = objects.store(self._ledger)
        with in_words(self._ledger):
            before = objects.seen(at, MANIFEST, 0)
            self._confirm()
            was = before.version if before else None
            version = repeated(lambda: objects.swap(at, MANIFEST, content, was))
            # a second try is refused by the first one, whose answer was lost
            if version is None and objects.get(at, MANIFEST) != content:
                raise LeaseError(
                    f"another process wrote {self._ledger}/{MANIFEST} meanwhile",
                    "nothing is lost: that one goes on from here",
                )

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
    """Returns the error for a file of a query that is not whole."""
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
