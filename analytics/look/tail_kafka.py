"""Rows out of the topic, before any job has read it: decoded as ingest does, and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from analytics.look.tail import Wanted, chosen
from lakehouse import decode
from lakehouse.decode import RAW, Limits
from lakehouse.runtime import kafka

MOST, PATIENCE_SECONDS = 10_000, 5.0


class KafkaTail:
    """Records from the end of a topic on; rejects are left out, and counted in `rejects`."""

    def __init__(self, bootstrap: str, topic: str, wanted: Wanted, limits: Limits) -> None:
        from confluent_kafka import Consumer

        wanted.where()
        self.rejects = 0
        self._topic, self._wanted, self._limits = topic, wanted, limits
        self._ends = kafka.offsets(bootstrap, topic)
        # no commit, no group: nobody else's reading is touched
        quiet = {**kafka.QUIET, "enable.auto.commit": False}
        named = {"bootstrap.servers": bootstrap, "group.id": "logpond-tail"}
        self._consumer = Consumer({**named, **quiet})
        self._assign({p: end for p, (_, end) in self._ends.items()})

    def history(self, lines: int) -> pa.Table:
        """The newest of the last records of each partition, the newest last."""
        back = {p: max(first, end - lines) for p, (first, end) in self._ends.items()}
        left = sum(end - back[p] for p, (_, end) in self._ends.items())
        self._assign(back)
        records: list[Any] = []
        while len(records) < left and (found := self._consumer.consume(MOST, PATIENCE_SECONDS)):
            records += found
        rows = self._decoded(records)
        return rows.slice(max(0, rows.num_rows - lines))

    def fresh(self) -> pa.Table:
        """The rows that came since the last call, in order of their time."""
        return self._decoded(self._consumer.consume(MOST, timeout=0.1))

    def close(self) -> None:
        """Let go of the topic."""
        self._consumer.close()

    def _assign(self, offsets: dict[int, int]) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.assign([TopicPartition(self._topic, p, o) for p, o in offsets.items()])

    def _decoded(self, records: list[Any]) -> pa.Table:
        good = [record for record in records if record.error() is None]
        columns = [
            [record.value() for record in good],
            [self._topic] * len(good),
            [record.partition() for record in good],
            [record.offset() for record in good],
            [datetime.fromtimestamp(record.timestamp()[1] / 1000, UTC) for record in good],
        ]
        arrays = [pa.array(values, f.type) for values, f in zip(columns, RAW, strict=True)]
        found = decode.decode(pa.RecordBatch.from_arrays(arrays, schema=RAW), self._limits)
        self.rejects += found.rejects.num_rows
        return chosen(found.events, self._wanted)
