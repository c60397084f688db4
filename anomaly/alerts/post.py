"""One POST, and what its answer means. No exception, and never the address, leaves it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

from anomaly.alerts.alert import Alert

# Answers that no repetition would change: the message itself is not taken.
REFUSED = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422})
ACCEPTED = range(200, 300)


class Hook(NamedTuple):
    """Where to, as whom, and how long an answer may take."""

    url: str
    token: str
    seconds: float


class Answer(NamedTuple):
    """Taken, or refused for good, or (neither) to be tried again, in `after` seconds if told."""

    is_taken: bool = False
    is_refused: bool = False
    why: str = ""
    after: float = 0.0


def post(hook: Hook, alert: Alert) -> Answer:
    """Send one alert; all of it, connection included, ends within twice `seconds`."""
    try:
        with _connected(hook) as connection:
            connection.request("POST", _target(hook.url), alert.body, _headers(hook, alert))
            return _answer(connection.getresponse())
    except (OSError, ValueError, HTTPException) as error:
        return Answer(why=_words(error))


@contextmanager
def _connected(hook: Hook) -> Iterator[HTTPConnection]:
    """A connection that is cut off at its time, even where something comes drop by drop."""
    parts = urlsplit(hook.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=hook.seconds)
    connection.connect()
    cut = Timer(hook.seconds, _cut, (connection.sock,))
    cut.daemon = True
    cut.start()
    try:
        yield connection
    finally:
        cut.cancel()
        connection.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(hook: Hook, alert: Alert) -> dict[str, str]:
    own = {
        "Content-Type": "application/json",
        "User-Agent": "logpond",
        "Idempotency-Key": alert.name,
        "Connection": "close",
    }
    return {**own, "Authorization": f"Bearer {hook.token}"} if hook.token else own


def _answer(got: HTTPResponse) -> Answer:
    if got.status in ACCEPTED:
        return Answer(is_taken=True)
    asked = got.headers.get("Retry-After", "")
    after = float(asked) if asked.isdecimal() and len(asked) < 7 else 0.0
    return Answer(is_refused=got.status in REFUSED, why=f"it answers {got.status}", after=after)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
