"""ClickHouse's answers to the same questions about the same rows, by `chdb`, as JSON.

A program of its own, called with the folder of the data files, one of its own, and the questions as
JSON: it imports nothing of ours, so that any Python which has `chdb` may run it.
"""

from __future__ import annotations

import json
import sys
import time

from chdb.session import Session

COLUMNS = {
    "timestamp": "DateTime64(6, 'UTC')",
    "event_id": "String",
    "service": "LowCardinality(String)",
    "message": "String",
    "endpoint": "LowCardinality(String)",
    "status_code": "Nullable(Int32)",
    "ip": "String",
    "level": "LowCardinality(String)",
    "method": "LowCardinality(String)",
    "path": "String",
    "response_time": "Nullable(Float64)",
    "bytes_sent": "Nullable(Int64)",
    "user_agent": "LowCardinality(String)",
    "user": "String",
    "app": "LowCardinality(String)",
    "span_id": "String",
    "trace_id": "String",
}
INDEXES = """INDEX of_trace trace_id TYPE bloom_filter(0.02) GRANULARITY 1,
INDEX of_user user TYPE bloom_filter(0.02) GRANULARITY 1,
INDEX of_ip ip TYPE bloom_filter(0.02) GRANULARITY 1,
INDEX of_message message TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1"""
TYPED = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
TABLE = f"""CREATE TABLE logs ({TYPED}, {INDEXES}) ENGINE = MergeTree
PARTITION BY toDate(timestamp) ORDER BY timestamp"""
SIZES = """SELECT
(SELECT sum(data_compressed_bytes) FROM system.data_skipping_indices WHERE table = 'logs'),
(SELECT sum(bytes_on_disk) FROM system.parts WHERE table = 'logs' AND active)"""
TIMES = 5


def main(data: str, folder: str, questions: dict[str, str]) -> None:
    """Fills a table, asks it, and prints the figures."""
    session = Session(folder)
    names = ", ".join(COLUMNS)
    session.query("CREATE DATABASE bench ENGINE = Atomic")
    session.query("USE bench")
    session.query(TABLE)
    began = time.process_time()
    session.query(f"INSERT INTO logs SELECT {names} FROM file('{data}/**/*.parquet')")
    filled = time.process_time() - began
    session.query("OPTIMIZE TABLE logs FINAL")
    of_index, of_table = map(float, session.query(SIZES).bytes().decode().strip().split(","))
    figures = {
        "chdb_filled_cpu_seconds": filled,
        "chdb_index_percent": 100 * of_index / of_table,
        "chdb_mb": of_table / 1e6,
    }
    for name, where in questions.items():
        asked = f"SELECT * FROM logs WHERE {where} FORMAT JSONEachRow"
        taken = []
        for _ in range(TIMES):
            began = time.monotonic()
            rows = session.query(asked).bytes().decode().splitlines()
            taken.append(time.monotonic() - began)
            assert len(rows) == 1, (name, len(rows))
        figures[f"chdb_{name}_first_seconds"] = taken[0]
        figures[f"chdb_{name}_seconds"] = sorted(taken)[TIMES // 2]
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
