"""Ranges of offsets to raw rows, by librdkafka; executors run it.

Only what a consumer that reads committed records may see comes out: records of aborted
transactions, markers of transactions and what compaction removed are passed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from lakehouse.decode import RAW, record_time
from lakehouse.errors import BrokerError
from lakehouse.runtime.kafka import QUIET

if TYPE_CHECKING:
    from confluent_kafka import Consumer

# What a broker sends at once, packed. Records that repeat themselves unpack to a thousand times
# as much, all of it in memory; a single batch of a producer comes whole however large it is.
FETCH_BYTES = 16 << 10
# Where the client stops to fetch ahead, unpacked.
AHEAD_KILOBYTES = 16 << 10
CHUNK_BYTES = 8 << 20
CHUNK_RECORDS = 10_000
FIRST_RECORDS = 20
WAIT_SECONDS = 0.1
SILENCE_SECONDS = 20.0
SILENT = "Kafka gave nothing"
GONE = "no longer holds the next records"


# The client's own type says that each part of a record may be absent.
Message = Any


class Range(NamedTuple):
    """Records of one partition: [first, end)."""

    partition: int
    first: int
    end: int

    @property
    def size(self) -> int:
        """How many records it has at most."""
        return self.end - self.first


@dataclass(frozen=True)
class Fetch:
    """The records of one topic, by ranges, as raw rows (`RAW`) in chunks of bounded size."""

    bootstrap: str
    topic: str

    def __call__(self, ranges: Sequence[Range]) -> Iterator[pa.RecordBatch]:
        """Rows of ranges, each of another partition.

        Raises BrokerError where Kafka has the first record no longer, or falls silent.
        """
        from confluent_kafka import TopicPartition

        consumer = _consumer(self.bootstrap)
        consumer.assign([TopicPartition(self.topic, r.partition, r.first) for r in ranges])
        try:
            for records in _Reading(consumer, self.topic, ranges):
                yield _rows(self.topic, records)
        finally:
            consumer.unassign()


class _Reading:
    """What a consumer gives, up to the end of each range."""

    def __init__(self, consumer: Consumer, topic: str, ranges: Sequence[Range]) -> None:
        self._consumer, self._topic = consumer, topic
        self._ranges = {r.partition: r for r in ranges}
        self._next = {r.partition: r.first for r in ranges}
        self._most, self._heard = FIRST_RECORDS, time.monotonic()

    def __iter__(self) -> Iterator[list[Message]]:
        while waiting := self._waiting():
            came = self._consumer.consume(min(self._most, waiting), WAIT_SECONDS)
            self._listen(came)
            if records := [each for each in came if self._is_asked(each)]:
                self._adapt(records)
                yield records
            self._note(came)

    def _waiting(self) -> int:
        """How many records are still to come, at most."""
        return sum(max(0, r.end - self._next[r.partition]) for r in self._ranges.values())

    def _is_asked(self, record: Message) -> bool:
        wanted = self._ranges.get(record.partition())
        if wanted is None or record.error() is not None:
            return False
        return bool(wanted.first <= record.offset() < wanted.end)

    def _note(self, came: Sequence[Message]) -> None:
        """Go on behind what came."""
        self._next |= {each.partition(): _after(each) for each in came}
        self._heard = time.monotonic() if came else self._heard

    def _adapt(self, records: Sequence[Message]) -> None:
        """Ask next for as many as fit into a chunk; more only step by step."""
        mean = 1 + sum(len(record) for record in records) // len(records)
        self._most = max(1, min(CHUNK_RECORDS, 4 * self._most, CHUNK_BYTES // mean))

    def _listen(self, came: Sequence[Message]) -> None:
        """Raise what the broker says against it, and when it says nothing."""
        for error in (fault for each in came if (fault := each.error()) is not None):
            _refuse_unless_end(error, self._topic)
        if not came and time.monotonic() - self._heard > SILENCE_SECONDS:
            raise BrokerError(
                f"{SILENT} of {self._topic} for {SILENCE_SECONDS:.0f} s, from {self._next} on",
                "nothing is lost: start again; a transaction that is open holds back what follows",
            )


def _after(came: Message) -> int:
    """The next offset; the end of a partition comes as a message that has it already."""
    is_end = came.error() is not None
    return int(came.offset()) + (not is_end)


def _refuse_unless_end(error: Any, topic: str) -> None:
    from confluent_kafka import KafkaError, KafkaException

    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise BrokerError(f"Kafka {GONE} of {topic}: {error.str()}")
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)


def _rows(topic: str, records: Sequence[Message]) -> pa.RecordBatch:
    count = len(records)
    columns: list[pa.Array] = [
        pa.array([record.value() for record in records], pa.binary()),
        pa.repeat(pa.scalar(topic), count),
        pa.array([record.partition() for record in records], pa.int32()),
        pa.array([record.offset() for record in records], pa.int64()),
        record_time.of_millis(pa.array([each.timestamp()[1] for each in records], pa.int64())),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RAW)


@lru_cache(maxsize=4)
def _consumer(bootstrap: str) -> Consumer:
    """The consumer of this process, connected from one batch to the next."""
    from confluent_kafka import Consumer

    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "logpond-ingest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "check.crcs": True,
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 5,
            "fetch.message.max.bytes": FETCH_BYTES,
            "fetch.max.bytes": FETCH_BYTES,
            "receive.message.max.bytes": 1 << 30,
            # a consumer has none to send; above, the client would raise `fetch.max.bytes` to it
            "message.max.bytes": 1000,
            "queued.max.messages.kbytes": AHEAD_KILOBYTES,
            **QUIET,
        }
    )
