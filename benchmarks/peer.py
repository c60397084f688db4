"""The peer: what one would write in an afternoon. confluent-kafka, pyarrow and deltalake.

No plan, no quarantine, no check of a payload, no restart: consume, parse, append.
`python -m benchmarks.peer BOOTSTRAP TOPIC FOLDER BATCH` prints a JSON line a batch, until all that
is there is taken. With SECONDS besides it goes on until it is killed, a batch every so often; each
line then has how old the records of the batch were when it was committed, in seconds.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from confluent_kafka import Consumer, TopicPartition
from deltalake import write_deltalake

from lakehouse.event.fields import LogEvent
from lakehouse.event.schema import arrow_fields
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection

CHUNK = 10_000
EVENT = pa.schema(arrow_fields(LogEvent)).remove_metadata()
PARSE = pj.ParseOptions(explicit_schema=EVENT, unexpected_field_behavior="ignore")


def main(bootstrap: str, topic: str, folder: str, batch: int) -> None:
    """Consume the whole topic, one append a batch."""
    consumer, left = _consumer(bootstrap, topic)
    while left > 0:
        parts: list[pa.Table] = []
        taken = 0
        while taken < min(batch, left):
            messages = consumer.consume(min(CHUNK, left - taken), timeout=5)
            taken += len(messages)
            parts.append(_parsed(messages))
        _append(folder, parts)
        left -= taken
        _tell(taken)


def follow(bootstrap: str, topic: str, folder: str, batch: int, seconds: float) -> None:
    """Consume what comes, one append every so many seconds."""
    consumer, _ = _consumer(bootstrap, topic)
    while True:
        if messages := consumer.consume(batch, timeout=seconds):
            _append(folder, [_parsed(messages)])
            now = time.time()
            _tell(len(messages), [round(now - m.timestamp()[1] / 1000, 3) for m in messages])


def _append(table: str, parts: list[pa.Table]) -> None:
    write_deltalake(table, pa.concat_tables(parts), mode="append", partition_by=["date", "hour"])


def _tell(rows: int, lags: list[float] | None = None) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"rows": rows, "at": time.time(), "cpu": used.ru_utime + used.ru_stime}
    print(json.dumps(told if lags is None else {**told, "lags": lags}), flush=True)


def _consumer(bootstrap: str, topic: str) -> tuple[Consumer, int]:
    config = {
        "bootstrap.servers": bootstrap,
        "group.id": "peer",
        "enable.auto.commit": False,
        "fetch.wait.max.ms": 20,
        "queued.max.messages.kbytes": 65536,
    }
    consumer = Consumer(config)
    ranges = kafka.offsets(Connection(bootstrap), topic)
    consumer.assign([TopicPartition(topic, p, first) for p, (first, _) in ranges.items()])
    return consumer, sum(end - first for first, end in ranges.values())


def _parsed(messages: list[Any]) -> pa.Table:
    """Good lines only: the bench's topic holds no others."""
    payload = b"\n".join(message.value() for message in messages)
    events = pj.read_json(io.BytesIO(payload), parse_options=PARSE)
    events = events.append_column(
        "_partition", pa.array([m.partition() for m in messages], pa.int32())
    )
    events = events.append_column("_offset", pa.array([m.offset() for m in messages], pa.int64()))
    moment = events["timestamp"]
    events = events.append_column("date", moment.cast(pa.date32()))
    return events.append_column("hour", pc.hour(moment).cast(pa.int32()))


if __name__ == "__main__":
    if len(sys.argv) > 5:
        follow(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
