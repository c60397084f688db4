"""Builders: the tables of a lake served by PostgreSQL's protocol, and raw sockets that speak it."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from analytics.postgres.answers import Answers
from analytics.postgres.server import Server
from lakehouse.http.sockets import Listener
from lakehouse.paths import Places
from lakehouse.settings import Http, Sql

LIMITS = Sql(seconds=60, memory_mb=256, temp_mb=64)
STARTUP = struct.pack("!i", 196608) + b"user\0me\0database\0logpond\0\0"


@contextmanager
def served(places: Places, limits: Sql = LIMITS, most: int = 32, **options: Any) -> Iterator[int]:
    """The port of a server, which ends with the block."""
    options = {"tokens": None, "bounds": Http(), **options}
    server = Server(Answers(places, limits, 2), most=most, **options)
    listener = Listener.at("127.0.0.1", 0, 500)
    thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.stopping.set()
    thread.join(10)
    listener.close()


def until_connected(address: str) -> psycopg.Connection[Any]:
    """A connection to a server that has just been started."""
    for _ in range(300):
        with suppress(psycopg.OperationalError):
            return psycopg.connect(address)
        time.sleep(0.1)
    raise AssertionError(f"nobody answers at {address}")


def psql(port: int, *words: str, stdin: str = "", **environment: str) -> str:
    """What PostgreSQL's own terminal shows; a test that needs it is skipped where it is not."""
    if not (found := shutil.which("psql")):
        pytest.skip("psql is not here: Debian's package postgresql-client")
    address = f"host=127.0.0.1 port={port} user=me dbname=logpond"
    command = [found, "-X", "-A", "-F", "|", "-P", "footer=off", "-v", "ON_ERROR_STOP=1", address]
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": "none", **environment}
    done = subprocess.run(
        [*command, *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    return done.stdout + done.stderr


def said(port: int, *messages: bytes) -> socket.socket:
    """A connection over which something was said."""
    found = socket.create_connection(("127.0.0.1", port), timeout=20)
    found.sendall(b"".join(messages))
    return found


def sized(body: bytes, kind: bytes = b"") -> bytes:
    """A message."""
    return kind + struct.pack("!i", len(body) + 4) + body


def everything(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = bytearray()
    while True:
        try:
            piece = connection.recv(1 << 16)
        except ConnectionResetError:
            return bytes(found)
        if not piece:
            return bytes(found)
        found += piece


def until_ready(connection: socket.socket) -> bytes:
    """All that comes until the server waits for the next question."""
    found = bytearray()
    while not found.endswith((b"Z\0\0\0\x05I", b"Z\0\0\0\x05T", b"Z\0\0\0\x05E")):
        piece = connection.recv(1 << 16)
        assert piece, bytes(found)
        found += piece
    return bytes(found)
