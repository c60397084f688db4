"""The tables by PostgreSQL's protocol: a count after the connection, and ten million rows out.

`logpond postgres` runs as its own process over a million rows. psycopg asks for counts; rows are
taken by a bare socket: a loop of Python over rows of psycopg measures itself, 24 MB a second.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psutil
import psycopg

from benchmarks.sql import fill
from lakehouse.paths import Places
from lakehouse.runtime.processes import free_port

ROWS, COMMITS, TIMES, COPIES = 1_000_000, 100, 5, 10
COUNTS = {
    "count": "SELECT count(*) FROM logs",
    "count_of_errors": "SELECT count(*) FROM logs WHERE status_code >= 500",
}
READY = b"Z\0\0\0\x05I"
SIX = "event_id, timestamp, service, status_code, path, response_time"
# The lake ten times over, so that it need not hold ten million rows.
TEN = f"COPY (SELECT {SIX} FROM logs, range({COPIES})) TO STDOUT"
OUT = {"binary": f"{TEN} (FORMAT binary)", "text": TEN, "csv": f"{TEN} (FORMAT csv)"}


def postgres(folder: Path) -> dict[str, float]:
    """Median seconds of counts; rows, and MB a second, of all rows ten times over."""
    lake = str(folder / "postgres")
    fill(Places.at(lake), COMMITS, ROWS)
    figures: dict[str, float] = {"rows": ROWS, "rows_out": ROWS * COPIES}
    with served(lake) as (server, address):
        with psycopg.connect(address, autocommit=True) as client:
            for name, query in COUNTS.items():
                figures[f"{name}_seconds"] = _median(client, query)
        for name, query in OUT.items():
            figures |= {f"{name}_{what}": of for what, of in _out(address, query).items()}
        figures["memory_mb"] = server.memory_full_info().pss / 1e6
    return figures


@contextmanager
def served(lake: str) -> Iterator[tuple[psutil.Process, str]]:
    """`logpond postgres` over a lake: its process, and how to connect."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "postgres", "--lake", lake, "--port", str(port)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout
    try:
        child.stdout.readline()
        yield psutil.Process(child.pid), f"host=127.0.0.1 port={port} user=bench dbname=logpond"
    finally:
        child.terminate()
        child.wait(20)


def _median(client: psycopg.Connection[Any], query: str) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.monotonic()
        client.execute(query).fetchall()
        taken.append(time.monotonic() - began)
    return sorted(taken)[TIMES // 2]


def _out(address: str, query: str) -> dict[str, float]:
    """All rows of a COPY, as they come through a socket: how many MB, how many of them a second."""
    named = dict(one.split("=") for one in address.split())
    begin = struct.pack("!i", 196608) + b"user\0bench\0database\0logpond\0\0"
    tail, size, buffer = b"", 0, bytearray(1 << 20)
    with socket.create_connection((named["host"], int(named["port"]))) as client:
        client.sendall(struct.pack("!i", len(begin) + 4) + begin)
        while not tail.endswith(READY):
            tail = client.recv(1 << 16)
        asked, began, tail = query.encode() + b"\0", time.monotonic(), b""
        client.sendall(b"Q" + struct.pack("!i", len(asked) + 4) + asked)
        while not tail.endswith(READY):
            found = client.recv_into(buffer)
            if not found:
                raise RuntimeError("the server is gone")
            size, tail = size + found, (tail + buffer[max(0, found - 16) : found])[-16:]
    return {"mb": size / 1e6, "mb_a_second": size / 1e6 / (time.monotonic() - began)}


@click.command()
@click.argument("folder", type=Path)
def main(folder: Path) -> None:
    """These figures alone, for a lake in a folder of its own."""
    click.echo(json.dumps(postgres(folder), indent=2))


if __name__ == "__main__":
    main()
