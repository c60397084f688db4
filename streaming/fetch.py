"""Fetches ranges of offsets as raw rows, by librdkafka. Runs on executors.

Returns only what a consumer of committed records may see: records of aborted transactions, markers
of transactions, and what compaction removed are left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from lakehouse.decode import HEADERS, RAW, record_time
from lakehouse.decode.leftover import headers
from lakehouse.errors import BrokerError
from lakehouse.runtime.kafka_client import QUIET, RIGHTS, Faults, denied, is_of_group
from lakehouse.runtime.kafka_connection import Connection

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


# For a name that is not UTF-8 the client returns a list and sets an error. A hot loop of Python
# 3.11 does not look for that, and the error comes up anywhere later; this call does.
_headers_of = methodcaller("headers")
# The client's own type says that each part of a record may be absent.
Message = Any


class Range(NamedTuple):
    """Records of one partition of a topic: [first, end)."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def size(self) -> int:
        """How many records it has at most."""
        return self.end - self.first


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
            came = [each for each in read if not is_of_group(each)]
            self._listen(came)
            if records := [each for each in came if self._is_asked(each)]:
                chunks = [_rows(topic, part) for topic, part in _by_topic(records)]
                self._adapt(chunks)
                yield chunks
            self._note(came)

    def _waiting(self) -> int:
        """The highest number of records that can still come."""
        return sum(max(0, r.end - self._next[at]) for at, r in self._ranges.items())

    def _is_asked(self, record: Message) -> bool:
        wanted = self._ranges.get(_place(record))
        if wanted is None or record.error() is not None:
            return False
        return bool(wanted.first <= record.offset() < wanted.end)

    @property
    def _topics(self) -> str:
        """The names of the topics that are read."""
        return ", ".join(dict.fromkeys(topic for topic, _ in self._ranges))

    def _note(self, came: Sequence[Message]) -> None:
        """Notes the offsets of these messages, to continue after them."""
        self._next |= {_place(each): _after(each) for each in came}
        if came:
            self._heard, self._worked = time.monotonic(), time.process_time()
            self._looked = self._heard

    def _adapt(self, chunks: Sequence[pa.RecordBatch]) -> None:
        """Asks next for as many records as fit into a chunk; the number grows step by step."""
        mean = 1 + sum(rows.nbytes for rows in chunks) // sum(rows.num_rows for rows in chunks)
        self._most = max(1, min(CHUNK_RECORDS, 4 * self._most, self._chunk_bytes // mean))

    def _listen(self, came: Sequence[Message]) -> None:
        """Raises what the broker reports, or that it stopped answering."""
        for error in (fault for each in came if (fault := each.error()) is not None):
            if error.name() in RIGHTS:
                raise denied(error.name(), self._client.connection, self._topics)
            _refuse_unless_end(error, self._topics)
        self._client.faults.check(self._client.connection)
        if not came and self._is_silent():
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


def _place(came: Message) -> tuple[str, int]:
    return came.topic(), came.partition()


def _by_topic(records: Sequence[Message]) -> Iterator[tuple[str, Sequence[Message]]]:
    """Yields the records of each topic, in their order."""
    names = [record.topic() for record in records]
    topics = dict.fromkeys(names)
    for topic in topics:
        is_all = len(topics) == 1
        yield (
            topic,
            records
            if is_all
            else [r for name, r in zip(names, records, strict=True) if name == topic],
        )


def _after(came: Message) -> int:
    """Returns the next offset; the message at the end of a partition already has it."""
    is_end = came.error() is not None
    return int(came.offset()) + (not is_end)


def _refuse_unless_end(error: Any, topic: str) -> None:
    from confluent_kafka import KafkaError, KafkaException

    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise BrokerError(f"Kafka {GONE} of {topic}: {error.str()}")
    if error.code() == KafkaError._BAD_COMPRESSION:
        most = f"{UNPACKED_BYTES >> 20} MB, or are broken"
        raise BrokerError(f"records of {topic} {TOO_LARGE} {most}: {error.str()}", SKIP)
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
    rows = pa.RecordBatch.from_arrays(columns, schema=RAW)
    named = headers.column([_headers(record) for record in records])
    return rows if named is None else rows.append_column(HEADERS, named)


def _headers(record: Message) -> list[headers.Header] | None:
    """The headers of a record. The client can be asked once only: what is not UTF-8 breaks it."""
    try:
        found: list[headers.Header] | None = _headers_of(record)
    except (SystemError, UnicodeDecodeError):
        return headers.UNREADABLE
    return found


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
