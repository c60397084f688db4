"""Records by HTTP while a stream runs: how long after its answer a record is a row."""

from __future__ import annotations

import json
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb
import httpx
import pyarrow as pa
from deltalake import DeltaTable

from benchmarks.gateway import TOPIC, serving
from benchmarks.live import WARM_SECONDS, commits
from benchmarks.ours import ingest
from cli.stack.broker import Broker
from lakehouse.runtime import kafka

RECORDS, EVERY_SECONDS, SECONDS = 100, 0.05, 60.0
WAITED = """
SELECT quantile_cont(waited, [0.5, 0.95]), count(*) FROM (
    SELECT c.moment / 1000.0 - a.answered AS waited
    FROM logs AS l JOIN commits AS c ON l._commit = c.name JOIN answers AS a USING (event_id))
"""


def rows(folder: Path) -> dict[str, float]:
    """Seconds from an answer to the commit of its row, at 2,000 records a second, all warm."""
    lake = str(folder / "lake")
    with Broker(f"{folder}/broker", heap="512m") as broker:
        for topic in ("web-logs", TOPIC):
            kafka.create(broker.connection, topic, 4)
        words = ["-m", "cli", "gateway", "--bootstrap", broker.bootstrap, "--lake", lake, "--port"]
        with (
            ingest(broker.bootstrap, "web-logs", lake) as running,
            serving(words) as (_, at),
            _sending(f"{at}/ingest/bench") as answers,
        ):
            since = 0.0
            for batch in running.batches():
                since = since or batch.at
                if batch.at - since > WARM_SECONDS + SECONDS:
                    break
    return _waited(lake, {k: t for k, t in answers.items() if t > since + WARM_SECONDS})


@contextmanager
def _sending(url: str) -> Iterator[dict[str, float]]:
    """Sends until the end of the block; when each record was answered, by its event id."""
    answers, over = dict[str, float](), threading.Event()
    thread = threading.Thread(target=_send, args=(url, answers, over))
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def _send(url: str, answers: dict[str, float], over: threading.Event) -> None:
    with httpx.Client(timeout=60) as client:
        due = time.monotonic()
        while not over.is_set():
            ids = [str(uuid.uuid4()) for _ in range(RECORDS)]
            lines = [json.dumps({"event_id": one, "message": f"order of {one}"}) for one in ids]
            client.post(url, content="\n".join(lines)).raise_for_status()
            answers.update(dict.fromkeys(ids, time.time()))
            due += EVERY_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))


def _waited(lake: str, answers: dict[str, float]) -> dict[str, float]:
    table = DeltaTable(f"{lake}/logs")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE commits (name VARCHAR, moment BIGINT)")
        connection.executemany("INSERT INTO commits VALUES (?, ?)", commits(table))
        told = pa.table({"event_id": [*answers], "answered": [*answers.values()]})
        connection.register("answers", told)
        connection.register("logs", table.to_pyarrow_dataset())
        ((p50, p95), found) = connection.execute(WAITED).fetchall()[0]
    return {"answer_to_row_p50": p50, "answer_to_row_p95": p95, "rows": float(found)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for name, figure in rows(Path(place)).items():
            click.echo(f"{name:45} {figure:12,.2f}")
