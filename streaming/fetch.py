"""Fetches ranges of offsets as raw rows, by librdkafka. Runs on executors.

Returns only what a consumer of committed records may see: records of aborted transactions, markers
of transactions, and what compaction removed are left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from lakehouse.errors import BrokerError
from lakehouse.runtime.kafka_client import QUIET, RIGHTS, Faults, denied, is_of_group
from lakehouse.runtime.kafka_connection import Connection
from streaming.records import Came, Message, Range, by_topic

if TYPE_CHECKING:
    from confluent_kafka import Consumer

# What a broker sends at once, packed. Records that repeat themselves unpack to a thousand times
# as much, all of it in memory; a single batch of a producer comes whole however large it is.
FETCH_BYTES = 16 << 10
# What a producer's batch may be, packed, and unpacked where it is packed by zstd or lz4: a megabyte
# of zeros can be gigabytes. By gzip it is a thousand times what the broker takes at most.
UNPACKED_BYTES = 256 << 20
# Where the client stops to fetch ahead, unpacked.
AHEAD_KILOBYTES = 16 << 10
CHUNK_BYTES = 8 << 20
# Of topics whose records hold several events, or name their schema: what is
# made of them may be a hundred times as large together.
SEVERAL_BYTES = 1 << 20
CHUNK_RECORDS = 10_000
FIRST_RECORDS = 20
WAIT_SECONDS = 0.1
SILENCE_SECONDS = 20.0
UNPACKING_SECONDS = 300.0
SILENT = "Kafka gave nothing"
GONE = "no longer holds the next records"
TOO_LARGE = "do not unpack within"
SKIP = (
    "have their producer send smaller batches to a topic of another name; or delete these records "
    "(`kafka-delete-records`) and go on behind them: `logpond recover ingest`"
)
# Less of a core than this, and the client is not at work on what it got.
IDLE_SHARE = 0.02


@dataclass(frozen=True)
class Fetch:
    """Fetches records of topics, by ranges, as raw rows (`RAW`) in chunks of bounded size.

    `several` are the topics of whose records much more may be made: several events, or values.
    """

    connection: Connection
    several: frozenset[str] = frozenset()

    def __call__(self, ranges: Sequence[Range]) -> Iterator[pa.RecordBatch]:
        """Yields the rows of ranges, each of another partition; a chunk is of one topic.

        Raises BrokerError where Kafka no longer has the first record, or stops answering, and
        AccessError where it refuses to be read.
        """
        from confluent_kafka import TopicPartition

        client = _client(self.connection)
        client.faults.forget()
        consumer = client.consumer
        consumer.assign([TopicPartition(r.topic, r.partition, r.first) for r in ranges])
        try:
            is_several = any(r.topic in self.several for r in ranges)
            chunk_bytes = SEVERAL_BYTES if is_several else CHUNK_BYTES
            for chunks in _Reading(client, ranges, chunk_bytes):
                yield from chunks
        finally:
            consumer.unassign()


class _Client(NamedTuple):
    """A consumer, and what it hears of its connection."""

    consumer: Consumer
    faults: Faults
    connection: Connection


class _Reading:
    """What a consumer returns, up to the end of each range."""

    def __init__(
        self, client: _Client, ranges: Sequence[Range], chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        self._client, self._consumer, self._chunk_bytes = client, client.consumer, chunk_bytes
        self._ranges = {(r.topic, r.partition): r for r in ranges}
        self._next = {(r.topic, r.partition): r.first for r in ranges}
        self._most, self._heard, self._worked = FIRST_RECORDS, time.monotonic(), time.process_time()
        self._looked = self._heard

    def __iter__(self) -> Iterator[list[pa.RecordBatch]]:
        while waiting := self._waiting():
            read = self._consumer.consume(min(self._most, waiting), WAIT_SECONDS)
            faults = [each for each in read if each.error() is not None]
            records = [each for each in read if each.error() is None] if faults else read
            faults = [each for each in faults if not is_of_group(each)]
            self._listen(faults, is_silence=not records and not faults)
            came = [*by_topic(records)]
            asked = [each.asked(self._ranges) for each in came]
            if chunks := [each.rows() for each in asked if each.records]:
                self._adapt(chunks)
                yield chunks
            self._note(came, faults)
            self._leave()

    def _waiting(self) -> int:
        """The highest number of records that can still come."""
        return sum(max(0, r.end - self._next[at]) for at, r in self._ranges.items())

    @property
    def _topics(self) -> str:
        """The names of the topics that are read."""
        return ", ".join(dict.fromkeys(topic for topic, _ in self._ranges))

    def _note(self, came: Sequence[Came], ends: Sequence[Message]) -> None:
        """Notes the offsets of records, to continue after them, and of the ends of partitions."""
        for each in came:
            self._next |= each.after()
        self._next |= {(end.topic(), end.partition()): end.offset() for end in ends}
        if came or ends:
            self._heard, self._worked = time.monotonic(), time.process_time()
            self._looked = self._heard

    def _leave(self) -> None:
        """Ends the fetching of partitions that are read to their end: what follows is dropped."""
        from confluent_kafka import TopicPartition

        ended = [at for at, r in self._ranges.items() if self._next[at] >= r.end]
        if ended and len(ended) < len(self._ranges):
            self._consumer.incremental_unassign([TopicPartition(*at) for at in ended])
            self._ranges = {at: r for at, r in self._ranges.items() if at not in ended}

    def _adapt(self, chunks: Sequence[pa.RecordBatch]) -> None:
        """Asks next for as many records as fit into a chunk; the number grows step by step."""
        mean = 1 + sum(rows.nbytes for rows in chunks) // sum(rows.num_rows for rows in chunks)
        self._most = max(1, min(CHUNK_RECORDS, 4 * self._most, self._chunk_bytes // mean))

    def _listen(self, faults: Sequence[Message], *, is_silence: bool) -> None:
        """Raises what the broker reports, or that it stopped answering."""
        for error in (each.error() for each in faults):
            if error.name() in RIGHTS:
                raise denied(error.name(), self._client.connection, self._topics)
            _refuse_unless_end(error, self._topics)
        self._client.faults.check(self._client.connection)
        if is_silence and self._is_silent():
            raise BrokerError(
                f"{SILENT} of {self._topics} for {SILENCE_SECONDS:.0f} s, from {self._next} on",
                "nothing is lost: start again; a transaction that is open holds back what follows",
            )

    def _is_silent(self) -> bool:
        """Returns whether nothing came for long, though the client has nothing to unpack."""
        now, worked = time.monotonic(), time.process_time()
        span = now - self._looked
        if span <= SILENCE_SECONDS:
            return False
        is_idle = worked - self._worked < IDLE_SHARE * span
        self._looked, self._worked = now, worked
        return is_idle or now - self._heard > UNPACKING_SECONDS


def _refuse_unless_end(error: Any, topic: str) -> None:
    from confluent_kafka import KafkaError, KafkaException

    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise BrokerError(f"Kafka {GONE} of {topic}: {error.str()}")
    if error.code() == KafkaError._BAD_COMPRESSION:
        most = f"{UNPACKED_BYTES >> 20} MB, or are broken"
        raise BrokerError(f"records of {topic} {TOO_LARGE} {most}: {error.str()}", SKIP)
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)


@lru_cache(maxsize=4)
def _client(connection: Connection) -> _Client:
    """Returns the client of this process, which stays connected between batches."""
    from confluent_kafka import Consumer

    faults = Faults()
    consumer = Consumer(
        {
            **connection.client(),
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
            "receive.message.max.bytes": UNPACKED_BYTES,
            # a consumer has none to send; above, the client would raise `fetch.max.bytes` to it
            "message.max.bytes": 1000,
            "queued.max.messages.kbytes": AHEAD_KILOBYTES,
            **QUIET,
            "error_cb": faults,
        }
    )
    return _Client(consumer, faults, connection)
