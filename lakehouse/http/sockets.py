"""A server's sockets, bounded: how many there are, and how long one may say nothing.

A connection that has no request yet may be closed at any time: when its time is over, and for a
newer one when there are too many. So idle sockets, however many come, keep nobody out.
"""

from __future__ import annotations

import asyncio.constants
import resource
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lakehouse.errors import SettingsError
from lakehouse.http import logs, peer
from lakehouse.http.hosts import is_loopback
from lakehouse.settings import Http

# Accepted at a time; of those so many rounds may be there before the first is known to be too many.
BATCH, ROUNDS, FEWEST = 32, 4, 16
# Not accepted yet: the system holds them.
WAITING = 512
STOP_SECONDS = 4


def most_connections(wanted: int) -> int:
    """So many, and at most a quarter of the files that this process may open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(FEWEST, min(wanted, files // 4)) if files != resource.RLIM_INFINITY else wanted


class Listener(socket.socket):
    """A socket that closes what it accepts while too many that it accepted are open.

    It counts also those with which TLS is not agreed upon yet, of which nobody else knows.
    """

    most: int
    accepted: list[socket.socket]

    @classmethod
    def at(cls, host: str, port: int, most: int) -> Listener:
        """Listen at an address; SettingsError where that cannot be."""
        host = host.strip("[]")
        try:
            found_at = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            family, kind, protocol, _, address = found_at
            # without its protocol asyncio leaves Nagle's algorithm on: 40 ms an answer
            found = cls(family, kind, protocol)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen()
        except OSError as error:
            raise SettingsError(
                f"cannot listen at {host}, port {port}: {error.strerror or error}",
                "name another address or port",
            ) from None
        found.most, found.accepted = most, []
        found.setblocking(False)
        return found

    def listen(self, _batch: int = 0) -> None:
        """Listen. What asyncio asks for is how many it accepts at a time."""
        super().listen(WAITING)

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; BlockingIOError where it was one too many."""
        found, address = super().accept()
        self.accepted = [one for one in self.accepted if one.fileno() >= 0]
        if len(self.accepted) >= self.most:
            found.close()
            raise BlockingIOError("too many connections")
        self.accepted.append(found)
        return found, address


class Config(uvicorn.Config):
    """The configuration of a bounded server.

    Behind `proxies` a request is of whom they say (`X-Forwarded-For`), by the scheme that they say
    (`X-Forwarded-Proto`).
    """

    def __init__(self, app: Any, bounds: Http, proxies: str = "", **options: Any) -> None:
        super().__init__(
            app,
            http=_Connection,
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            # whoever is not a proxy could say that it asks for somebody else, or by TLS
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            backlog=BATCH,
            timeout_graceful_shutdown=STOP_SECONDS,
            **options,
        )
        self.bounds = bounds
        self.most = most_connections(bounds.connections)
        self.idle: dict[_Connection, None] = {}
        # a server that is made by uvicorn has no option for it
        asyncio.constants.SSL_HANDSHAKE_TIMEOUT = bounds.head_seconds

    def listener(self, host: str, port: int) -> Listener:
        """The socket to run it at."""
        return Listener.at(host, port, self.most + ROUNDS * BATCH)


class _Connection(H11Protocol):
    """A connection that ends where no request comes in time. Requests know it by their scope."""

    config: Config

    def connection_made(self, transport: Any) -> None:
        self._deadline: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": self}
        self._look()
        if len(self.connections) > self.config.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        self.transport.abort()

    @property
    def is_own_user(self) -> bool:
        """Whether it comes from this machine and was opened by the user of this process."""
        if not (self.client and self.server and is_loopback(self.client[0])):
            return False
        if not hasattr(self, "_is_own"):
            self._is_own = peer.is_ours(self.client, (self.server[0], self.server[1] or 0))
        return self._is_own

    def _make_room(self) -> None:
        """Close the connection that waits longest without a request: this one, if no other does."""
        oldest = next(iter(self.config.idle), self)
        self.config.idle.pop(oldest, None)
        oldest.abort()

    def _look(self) -> None:
        """Have the time run while there is no request: further bytes of its head are no reason."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._deadline is None and not self.transport.is_closing():
            self.config.idle[self] = None
            self._deadline = self.loop.call_later(self.config.bounds.head_seconds, self._end)

    def _stop_waiting(self) -> None:
        self.config.idle.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        self.transport.close()
        # who does not take the rest of the last answer has had as long again
        self.loop.call_later(self.config.bounds.head_seconds, self.abort)


class Server(uvicorn.Server):
    """A server that says `closing` before it waits for the answers that it gives."""

    def __init__(self, config: Config, closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = closing
        logs.configure()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Have answers without end ended, then stop as uvicorn does."""
        self._closing()
        super().handle_exit(sig, frame)


def check_certificate(certificate: str, key: str) -> dict[str, str]:
    """The options for TLS, none without a certificate; SettingsError where they do not fit."""
    if not (certificate or key):
        return {}
    if not (certificate and key):
        raise SettingsError("--tls-cert and --tls-key belong together", "give both, or neither")
    for file in (certificate, key):
        if not Path(file).is_file():
            raise SettingsError(f"there is no file {file}", "see --tls-cert and --tls-key")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SettingsError(
            f"{certificate} and {key} are no certificate and its key: {error}",
            "both are PEM, the key without a password",
        ) from None
    return {"ssl_certfile": certificate, "ssl_keyfile": key}
