"""Builders: a lake as ingest leaves it, step by step, with the real parts but Spark and Kafka."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from support.records import LIMITS, TAKEN, message

from lakehouse import decode, store
from lakehouse.ingest.admission import admit, new_manifest
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.intake import Decode, DecodeToFiles, stamped
from lakehouse.ingest.manifest import Manifest, Subscription
from lakehouse.ingest.offsets import Offsets
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.paths import Places
from lakehouse.proof.coverage import current
from lakehouse.runtime.kafka import Topic
from lakehouse.store import objects
from lakehouse.tables.catalog import LOGS, QUARANTINE

QUERY = "ingest"
TABLES = (QUARANTINE, LOGS)
TOPIC = Topic("web-logs", "id-1", 1)
Payload = Callable[[str, int], bytes]
STEPS = ("offsets", "planned", "quarantine", "logs", "completed")


def named(name: str, _offset: int) -> bytes:
    """The payload of a record: an event of this name."""
    return message(event_id=name)


def records(
    offsets: Iterable[int],
    bad: Collection[int] = (),
    partition: int = 0,
    topic: str = TOPIC.name,
    payload: Payload = named,
) -> pa.RecordBatch:
    """Raw rows: event `e-<partition>-<offset>` each, those in `bad` no JSON."""
    names = [(o, f"e-{partition}-{o}") for o in offsets]
    values = [b"oops" if o in bad else payload(name, o) for o, name in names]
    return raw_rows(values, [o for o, _ in names], partition, topic)


def raw_rows(
    values: list[bytes | None], offsets: list[int], partition: int = 0, topic: str = TOPIC.name
) -> pa.RecordBatch:
    """Raw rows of these payloads."""
    count = len(values)
    columns = [values, [topic] * count, [partition] * count, offsets, [TAKEN] * count]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, decode.RAW, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=decode.RAW)


def events(offsets: Iterable[int], partition: int = 0, **fields: Any) -> pa.Table:
    """Rows of `logs`, each with these fields on top of the usual ones."""
    values = [message(**{"event_id": f"e-{partition}-{o}", **fields}) for o in offsets]
    raw = raw_rows(values, [*offsets], partition)
    return stamped(decode.decode(raw, LIMITS).events, LOGS.columns, datetime.now(UTC), "test:0")


@dataclass
class Lake:
    """A lake in a folder; `crash` names the step of `STEPS` after which a batch goes no further."""

    places: Places
    topic: Topic = TOPIC
    payload: Payload = named
    decode: Decode = decode.decode

    @classmethod
    def at(cls, folder: Path, topic: Topic = TOPIC) -> Lake:
        """A lake in a folder, empty."""
        return cls(Places(str(folder / "lake"), str(folder / "lake" / "_checkpoints")), topic)

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint as it is now."""
        return Checkpoint(self.places, QUERY)

    @property
    def plans(self) -> BatchPlans:
        """The plans beside it."""
        return BatchPlans(self.places)

    @property
    def manifest(self) -> Manifest:
        """The manifest, which must be there."""
        found = self.checkpoint.manifest()
        assert found
        return found

    @property
    def subscription(self) -> Subscription:
        """What the manifest says of its topic."""
        return self.manifest.topics[self.topic.name]

    def admit(self, earliest: Offsets | None = None, *topics: Topic) -> Manifest:
        """Start the query over its topic or others, as far as the checks."""
        read = topics or (self.topic,)
        first = {topic.name: earliest or {0: 0} for topic in read}
        return admit(self.places, QUERY, read, first, TABLES, 1)

    def adopt(self, first: Offsets) -> Manifest:
        """A new checkpoint without the checks."""
        new = new_manifest(self.places, QUERY, [self.topic], {self.topic.name: first}, TABLES, 1)
        return self.checkpoint.adopt(new)

    def batch(
        self,
        number: int,
        end: Offsets,
        bad: Collection[int] = (),
        crash: str = "completed",
        reached: Callable[[str], None] = lambda _step: None,
    ) -> BatchPlan:
        """Take the records up to `end` as one batch; those in `bad` are rejects.

        `reached` is called before the first step and after each.
        """
        start = self.checkpoint.offsets(number - 1)
        text = json.dumps({self.topic.name: {str(p): o for p, o in end.items()}})
        self._put("offsets", number, f'v1\n{{"batchWatermarkMs":0}}\n{text}')
        plan = BatchPlan(
            query_id=self.manifest.query_id, batch=number, start=start, end=text, files=[]
        )
        reached(STEPS[0])
        for step in STEPS[1 : STEPS.index(crash) + 1]:
            plan = self._step(step, plan, bad)
            reached(step)
        return plan

    def complete(self, number: int) -> None:
        """Note a batch as done, as Spark does."""
        self._put("commits", number, 'v1\n{"nextBatchWatermarkMs":0}')

    def put(self, rows: pa.Table, key: str = "by-hand", table: Any = LOGS) -> None:
        """Append rows of `logs` behind the back of every check."""
        writer = store.Writer(self.places, table)
        writer.append(rows, store.Key(f"{key}-{datetime.now(UTC).timestamp()}", 0))

    def count(self, table: Any = LOGS) -> int:
        """Rows of a table."""
        return int(store.open_table(self.places, table).count())

    def coordinates(self, table: Any = LOGS) -> list[tuple[int, int]]:
        """Partition and offset of every row, in order."""
        rows = store.open_table(self.places, table).to_pyarrow_table(
            columns=["_partition", "_offset"]
        )
        return sorted(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True))

    def held(self) -> list[tuple[int, int]]:
        """Partition and offset of every record in logs or open quarantine, in order."""
        with current(self.places) as found:
            return sorted(found.ask("SELECT _partition, _offset FROM held"))

    def carry_out(self, plan: BatchPlan, *tables: str) -> None:
        """Commit what is planned for these tables."""
        for table in TABLES:
            if table.name in tables and plan.files_of(table.name):
                writer = store.Writer(self.places, table)
                writer.commit(plan.files_of(table.name), plan.key(table.name))

    def _step(self, step: str, plan: BatchPlan, bad: Collection[int]) -> BatchPlan:
        if step == "planned":
            return self.plans.write(msgspec.structs.replace(plan, files=self._files(plan, bad)))
        if step == "completed":
            self.complete(plan.batch)
        else:
            self.carry_out(plan, step)
        return plan

    def _files(self, plan: BatchPlan, bad: Collection[int]) -> list[store.DataFile]:
        first, end = (json.loads(t).get(self.topic.name, {}) for t in (plan.start, plan.end))
        batches = [
            records(range(first.get(p, 0), to), bad, int(p), self.topic.name, self.payload)
            for p, to in end.items()
        ]
        roots = {table.name: self.places.table(table) for table in TABLES}
        commit, name = f"{plan.query_id}:{plan.batch}", f"part-{plan.batch:08d}"
        task = DecodeToFiles(roots, commit, name, datetime.now(UTC), LIMITS, self.decode)
        return [*dataclasses.replace(task, topic_ids={self.topic.name: self.topic.id})(batches)]

    def _put(self, folder: str, number: int, content: str) -> None:
        at = objects.store(self.places.checkpoint(QUERY))
        objects.put(at, f"{folder}/{number}", content.encode())
