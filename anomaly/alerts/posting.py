"""Posts a message by HTTP within a bounded time, and reads whether it was taken."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

# Answers that no repetition would change: the message itself is not taken.
REFUSING = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422})
ACCEPTED = range(200, 300)


class Answer(NamedTuple):
    """Taken, refused for good, or neither: then try again, after `after` seconds at least."""

    is_taken: bool = False
    is_refused: bool = False
    why: str = ""
    after: float = 0.0


class Request(NamedTuple):
    """What is posted where; `ca_file` is who else may have signed the server's certificate."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}
    ca_file: str = ""


def post(request: Request, seconds: float) -> Answer:
    """Posts it. All of it, the connection included, takes at most twice `seconds`."""
    own = {"Content-Type": "application/json", "User-Agent": "logpond", "Connection": "close"}
    try:
        with _connected(request, seconds) as connection:
            target, headers = _target(request.url), {**own, **request.headers}
            connection.request("POST", target, request.body, headers)
            return _answer(connection.getresponse())
    except (OSError, ValueError, HTTPException) as error:
        return Answer(why=words(error))


@contextmanager
def cut_off(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Cuts a connection off at its time, even if the answer comes byte by byte."""
    timer = Timer(seconds, _cut, (sock,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def words(error: Exception) -> str:
    """Returns why a connection failed."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def _connected(request: Request, seconds: float) -> Iterator[HTTPConnection]:
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        trusted = ssl.create_default_context(cafile=request.ca_file or None)
        connection: HTTPConnection = HTTPSConnection(
            host, parts.port, timeout=seconds, context=trusted
        )
    else:
        connection = HTTPConnection(host, parts.port, timeout=seconds)
    connection.connect()
    try:
        with cut_off(connection.sock, seconds):
            yield connection
    finally:
        connection.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _answer(got: HTTPResponse) -> Answer:
    if got.status in ACCEPTED:
        return Answer(is_taken=True)
    asked = got.headers.get("Retry-After", "")
    after = float(asked) if asked.isdecimal() and len(asked) < 7 else 0.0
    return Answer(is_refused=got.status in REFUSING, why=f"it answers {got.status}", after=after)
