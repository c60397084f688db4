"""Cursors, portals and clients that do not read: none of them keeps others from asking."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from support.lakes import Lake
from support.postgres import LIMITS, STARTUP, everything, said, served, sized, until_ready

pytestmark = pytest.mark.slow
# Two are answered at once here, and two times as many may wait.
MANY = "SELECT a.* FROM logs a, range(100000)"
MOST = 4


def _client(port: int, stack: ExitStack) -> psycopg.Connection[Any]:
    return stack.enter_context(psycopg.connect(f"host=127.0.0.1 port={port} user=me"))


def _idle(port: int, stack: ExitStack, sql: str = MANY) -> psycopg.ServerCursor[Any]:
    """A cursor of which ten rows were fetched."""
    cursor = stack.enter_context(_client(port, stack).cursor(name="idle"))
    cursor.execute(sql)
    assert len(cursor.fetchmany(10)) == 10
    return cursor


@pytest.mark.parametrize("sql", [MANY, "SELECT oid FROM pg_type"])
def test_idle_cursors_hold_no_place(port: int, sql: str) -> None:
    """Others ask on, of tables as of the catalog, and each of them fetches on."""
    with ExitStack() as stack:
        idle = [_idle(port, stack, sql) for _ in range(MOST)]
        client = _client(port, stack)
        assert client.execute("SELECT count(*) FROM (FROM logs LIMIT 3)").fetchone() == (3,)
        assert client.execute("SELECT count(*) > 9 FROM pg_type").fetchone() == (True,)
        assert all(len(one.fetchmany(10)) == 10 for one in idle)


def test_so_many_cursors_wait(port: int) -> None:
    """One more is refused in words before it works; once another is closed, it is served."""
    with ExitStack() as stack:
        idle = [_idle(port, stack) for _ in range(MOST)]
        client = _client(port, stack)
        with client.cursor(name="more") as cursor:
            cursor.execute(MANY)
            with pytest.raises(psycopg.errors.InsufficientResources, match="4 answers are open"):
                cursor.fetchmany(10)
        client.rollback()
        assert client.execute("SELECT count(*) FROM (FROM logs LIMIT 3)").fetchone() == (3,)
        idle[0].close()
        _idle(port, stack)


def test_a_described_cursor_is_read_later(port: int) -> None:
    """Where no place is left to wait it is let go, and opened again for its rows."""
    with ExitStack() as stack:
        for _ in range(MOST):
            _idle(port, stack)
        client = _client(port, stack)
        with client.cursor(name="described") as cursor:
            cursor.execute("SELECT range FROM range(50)")
            assert cursor.description
            assert len(cursor.fetchall()) == 50


def test_an_answer_ends_with_its_time(lake: Lake) -> None:
    """An idle one gives its place back by itself; its client hears why as it fetches on."""
    with (
        served(lake.places, LIMITS.model_copy(update={"seconds": 1.5})) as port,
        ExitStack() as stack,
    ):
        idle = [_idle(port, stack) for _ in range(MOST)]
        time.sleep(2.5)
        _idle(port, stack)
        for one in idle:
            with pytest.raises(
                psycopg.errors.QueryCanceled, match=r"within 1.5 s, so it was ended"
            ):
                one.fetchmany(10)


def test_a_later_fetch_can_be_cancelled(port: int) -> None:
    """As the first one can."""
    with ExitStack() as stack:
        client = _client(port, stack)
        client.execute(
            "DECLARE long CURSOR FOR SELECT range, repeat('x', 50) FROM range(2000000000)"
        )
        client.execute("FETCH 5 FROM long")
        threading.Timer(0.7, client.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            for _ in client.cursor().stream("FETCH 1000000000 FROM long"):
                pass


def test_who_does_not_read_holds_no_place(port: int) -> None:
    """Rows that nobody takes wait, and others are answered meanwhile."""
    clients = []
    for _ in range(3):
        client = said(port, sized(STARTUP))
        until_ready(client)
        client.sendall(sized(f"{MANY}\0".encode(), b"Q"))
        clients.append(client)
    time.sleep(3)
    with ExitStack() as stack:
        client = _client(port, stack)
        assert client.execute("SELECT count(*) FROM (FROM logs LIMIT 3)").fetchone() == (3,)
    for one in clients:
        one.close()


def test_a_portal_of_the_protocol_waits_too(port: int) -> None:
    """A limit of rows suspends it within a transaction."""
    client = said(port, sized(STARTUP))
    until_ready(client)
    client.sendall(sized(b"BEGIN\0", b"Q"))
    until_ready(client)
    parse = sized(f"\0{MANY}\0\0\0".encode(), b"P")
    bind, execute = sized(b"\0\0\0\0\0\0\0\0", b"B"), sized(b"\0\0\0\0\x02", b"E")
    client.sendall(parse + bind + execute + sized(b"", b"S"))
    assert b"s\0\0\0\x04" in until_ready(client)
    with ExitStack() as stack:
        idle = [_idle(port, stack) for _ in range(MOST - 1)]
        with pytest.raises(psycopg.errors.InsufficientResources):
            _idle(port, stack)
        assert len(idle) == MOST - 1
    client.sendall(sized(b"", b"X"))
    assert everything(client) == b""
