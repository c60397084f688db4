"""Whoever speaks to the port: tokens, lengths that lie, those who are slow, many, or browsers."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.lakes import Lake
from support.postgres import LIMITS, STARTUP, everything, said, served, sized, until_ready

from analytics.postgres.answers import Answers
from analytics.postgres.connection import Connection
from analytics.postgres.server import Server
from lakehouse.http.attempts import Attempts
from lakehouse.http.tokens import METRICS, READ, Tokens
from lakehouse.settings import Http

pytestmark = pytest.mark.slow
QUICK = Http(head_seconds=0.5, body_seconds=0.5, send_seconds=0.5)
QUERY = sized(b"SELECT 1\0", b"Q")
ENDLESS = sized(b"SELECT sum(sqrt(range)) FROM range(1000000000000)\0", b"Q")


@pytest.fixture(scope="module")
def port(lake: Lake) -> Iterator[int]:
    """Where it is served, to whoever does not take long."""
    with served(lake.places, bounds=QUICK) as found:
        yield found


def _logged_in(port: int) -> socket.socket:
    found = said(port, sized(STARTUP))
    until_ready(found)
    return found


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /\r\n\r\n" + sized(STARTUP) + QUERY,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        struct.pack("!i", -1),
        struct.pack("!i", 2**31 - 1) + b"x" * 100,
        sized(struct.pack("!i", 131072)),
        sized(struct.pack("!i", 80877102) + bytes(8)),
    ],
    ids=["a browser", "a form", "TLS at once", "negative", "endless", "version 2", "a cancel"],
)
def test_what_is_not_the_protocol_gets_no_answer(port: int, first: bytes) -> None:
    """Also a request of a browser, whose body could be anything; nothing of it is read."""
    assert everything(said(port, first)) == b""


@pytest.mark.parametrize(
    "first",
    [b"", b"\0\0", struct.pack("!i", 5000) + b"x"],
    ids=["silent", "half a length", "never whole"],
)
def test_who_does_not_log_in_is_let_go(port: int, first: bytes) -> None:
    """After the time for it."""
    assert everything(said(port, first)) == b""


@pytest.mark.parametrize(
    "message",
    [
        b"Q" + struct.pack("!i", 3),
        b"Q" + struct.pack("!i", 1 << 30),
        sized(b"", b"!"),
        sized(b"SELECT 1", b"Q"),
        sized(b"\0SELECT 1\0\x7f\xff", b"P"),
        sized(b"S", b"D"),
    ],
)
def test_a_message_that_lies_ends_the_session(port: int, message: bytes) -> None:
    """With its code, and no more than it may take."""
    client = _logged_in(port)
    client.sendall(message)
    answer = everything(client)
    assert b"C08P01\0" in answer


def test_a_message_that_stops_ends_the_session(port: int) -> None:
    """Its rest has to come in time; between two messages nobody is hurried."""
    client = _logged_in(port)
    time.sleep(2 * QUICK.head_seconds)
    client.sendall(QUERY)
    assert b"SELECT 1\0" in until_ready(client)
    client.sendall(QUERY[:7])
    assert everything(client) == b""


def test_who_does_not_read_is_let_go(port: int) -> None:
    """Rows wait for nobody for long; its place is free again."""
    for _ in range(3):
        client = _logged_in(port)
        client.sendall(sized(b"SELECT repeat('x', 1000) FROM range(1000000)\0", b"Q"))
        time.sleep(3 * QUICK.send_seconds)
    client = _logged_in(port)
    client.sendall(sized(b"SELECT 1 FROM range(1)\0", b"Q"))
    assert b"SELECT 1\0" in until_ready(client)


def test_a_question_ends_with_its_client(port: int) -> None:
    """Two may be asked at once: those that hung up hold no place."""
    for _ in range(4):
        client = _logged_in(port)
        client.sendall(ENDLESS)
        time.sleep(0.2)
        client.close()
    time.sleep(1.5)
    client = _logged_in(port)
    client.sendall(sized(b"SELECT count(*) FROM range(3)\0", b"Q"))
    assert b"C\0\0\0\x0dSELECT 1\0" in until_ready(client)


def test_many_clients_leave_room(lake: Lake) -> None:
    """The oldest that has not logged in goes; who has logged in stays, and the next is told."""
    with served(lake.places, most=4) as port:
        silent = [said(port) for _ in range(40)]
        clients = [_logged_in(port) for _ in range(4)]
        assert b"C53300\0" in everything(said(port, sized(STARTUP)))
        clients[0].sendall(QUERY)
        assert b"SELECT 1\0" in until_ready(clients[0])
        assert len(silent) == 40


def test_a_token_is_the_password(lake: Lake) -> None:
    """One that reads; others, and wrong ones, are refused, and soon have to wait."""
    tokens = Tokens(lake.places.tokens)
    secret, figures = tokens.create("desk", READ), tokens.create("figures", METRICS)
    with served(lake.places, tokens=tokens, attempts=Attempts(lambda: 0.0)) as port:
        address = f"host=127.0.0.1 port={port} user=me dbname=logpond sslmode=disable"
        with psycopg.connect(address, password=secret) as client:
            assert client.execute("SHOW session_authorization").fetchone() == ("desk",)
        with pytest.raises(psycopg.OperationalError, match="this token is for metrics"):
            psycopg.connect(address, password=figures)
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError, match="not a token of this lake"):
                psycopg.connect(address, password="guess")
        with pytest.raises(psycopg.OperationalError, match="too many wrong tokens"):
            psycopg.connect(address, password=secret)


def test_the_user_of_the_server_needs_none(lake: Lake) -> None:
    """By the system's own tables; so it is with the pages."""
    tokens = Tokens(lake.places.tokens)
    with served(lake.places, tokens=tokens, is_open_to_own_user=True) as port:
        assert b"Z\0\0\0\x05I" in until_ready(said(port, sized(STARTUP)))


def test_only_who_knows_the_secret_cancels(port: int) -> None:
    """The number of a session alone is easily guessed."""
    client = _logged_in(port)
    client.sendall(ENDLESS)
    time.sleep(0.2)
    for number in range(200):
        said(port, sized(struct.pack("!iii", 80877102, number, 0))).close()
    client.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.close()


def test_statements_are_told_apart(port: int) -> None:
    """By semicolons that are none of a text, a name or a comment; an empty one is said to be so."""
    client = _logged_in(port)
    client.sendall(sized(b"SELECT ';' AS \";\" /* ; /* ; */ */; -- ;\nSELECT $a$;$a$;;\0", b"Q"))
    assert until_ready(client).count(b"SELECT 1\0") == 2
    client.sendall(sized(b" -- nothing\0", b"Q"))
    assert until_ready(client).startswith(b"I\0\0\0\x04")


def test_after_a_fault_all_is_left_out_until_sync(port: int) -> None:
    """As the extended protocol has it; a row limit suspends a portal."""
    client = _logged_in(port)
    parse = sized(b"\0SELECT range FROM range(5)\0\0\0", b"P")
    bind, execute = sized(b"\0\0\0\0\0\0\0\0", b"B"), sized(b"\0" + struct.pack("!i", 2), b"E")
    sync = sized(b"", b"S")
    client.sendall(parse + bind + execute + execute + execute + sync)
    found = until_ready(client)
    assert found.count(b"s\0\0\0\x04") == 2
    assert b"SELECT 1\0" in found
    client.sendall(sized(b"\0SELEC\0\0\0", b"P") + bind + execute + sync)
    found = until_ready(client)
    assert found.count(b"C42601\0") == 1
    client.sendall(QUERY)
    assert b"SELECT 1\0" in until_ready(client)


def test_others_are_served_by_tls_alone(tmp_path: Path) -> None:
    """At an address that others reach; unless somebody says that the network is their own."""
    from lakehouse import settings
    from lakehouse.errors import SettingsError
    from lakehouse.paths import Places

    found = settings.load(lake=str(tmp_path / "lake"))
    given = found.postgres.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(SettingsError, match="for all to read"):
        Server.of(Places.of(found), found.model_copy(update={"postgres": given}))
    given = given.model_copy(update={"without_tls": True})
    assert not Server.of(
        Places.of(found), found.model_copy(update={"postgres": given})
    ).is_open_to_own_user


def test_nobody_else_sends_a_token_in_clear(lake: Lake) -> None:
    """Where there is TLS, who comes from another machine without it is asked for no password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = Server(
        Answers(lake.places, LIMITS, 1), Tokens(lake.places.tokens), QUICK, 4, certificate=context
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = said(listener.getsockname()[1], sized(STARTUP))
        server.attend(Connection(listener.accept()[0], ("203.0.113.7", 9), QUICK))
        answer = everything(client)
    assert b"C28000\0" in answer
    assert not answer.startswith(b"R")
