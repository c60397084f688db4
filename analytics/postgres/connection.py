"""One client's socket: whole messages in, bytes out, both in bounded time and size."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress

from analytics.postgres.messages import INT32, MOST_BYTES, MOST_STARTUP, Malformed
from lakehouse.http import peer
from lakehouse.http.hosts import is_loopback
from lakehouse.settings import Http

CHUNK, BUFFERED, PIECE = 1 << 16, 1 << 16, 1 << 20


class Left(Exception):
    """The client is gone, or too slow."""


class Connection:
    """A client. Until it has logged in, all that it says has to come within `head_seconds`."""

    def __init__(self, found: socket.socket, address: tuple[str, int], bounds: Http) -> None:
        self.address = address
        self._socket, self._bounds = found, bounds
        self._in, self._out = bytearray(), bytearray()
        self._deadline: float | None = time.monotonic() + bounds.head_seconds
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    @property
    def is_secure(self) -> bool:
        """Whether what is said is encrypted."""
        return isinstance(self._socket, ssl.SSLSocket)

    @property
    def is_own_user(self) -> bool:
        """Whether the user of this process opened it, on this machine."""
        host, port = self._socket.getsockname()[:2]
        return is_loopback(self.address[0]) and peer.is_ours(self.address[:2], (host, port))

    def fileno(self) -> int:
        """The socket as the system numbers it; -1 once it is closed."""
        return self._socket.fileno()

    def startup(self) -> bytes:
        """Returns a first message without its length. Raises Malformed for what is none."""
        (length,) = INT32.unpack(self._read(4))
        if not 8 <= length <= MOST_STARTUP:
            raise Malformed("it does not begin as one")
        return self._read(length - 4)

    def secure(self, context: ssl.SSLContext) -> None:
        """Goes on by TLS. Raises Malformed where more was said before: somebody put it there."""
        if self._in:
            raise Malformed("it goes on before TLS is agreed upon")
        try:
            self._socket.settimeout(self._bounds.head_seconds)
            self._socket = context.wrap_socket(self._socket, server_side=True)
        except OSError as error:
            raise Left from error

    def logged_in(self) -> None:
        """From now on it may wait as long as it likes between two messages."""
        self._deadline = None

    def message(self, most: int = MOST_BYTES) -> tuple[bytes, bytes]:
        """Returns the kind of the next message, and what it holds."""
        head = self._read(5)
        (length,) = INT32.unpack(head[1:])
        if not 4 <= length <= most:
            raise Malformed(f"its length is {length:,}, and {most:,} bytes are read")
        return head[:1], self._read(length - 4, has_begun=True)

    def send(self, *data: bytes | memoryview) -> None:
        """Sends something, or keeps it until there is more of it."""
        for one in data:
            if len(one) < BUFFERED:
                self._out += one
            else:
                self.flush()
                for at in range(0, len(one), PIECE):
                    self._send(memoryview(one)[at : at + PIECE])
        if len(self._out) >= BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Sends what was kept."""
        if self._out:
            data, self._out = self._out, bytearray()
            self._send(memoryview(data))

    def close(self) -> None:
        """Closes it. What waits for it, in whatever thread, ends."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._socket.close()

    def _send(self, data: memoryview) -> None:
        try:
            self._socket.settimeout(self._bounds.send_seconds)
            self._socket.sendall(data)
        except (OSError, ValueError) as error:
            raise Left from error

    def _read(self, count: int, has_begun: bool = False) -> bytes:
        """Returns so many bytes. Raises Left where they do not come in time."""
        began = time.monotonic()
        while len(self._in) < count:
            deadline = self._deadline
            if deadline is None and (has_begun or self._in):
                deadline = began + self._bounds.body_seconds
            self._in += self._received(deadline)
        found = bytes(self._in[:count])
        del self._in[:count]
        return found

    def _received(self, deadline: float | None) -> bytes:
        seconds = None if deadline is None else deadline - time.monotonic()
        try:
            if seconds is not None and seconds <= 0:
                raise TimeoutError
            self._socket.settimeout(seconds)
            found = self._socket.recv(CHUNK)
        except (OSError, ValueError) as error:
            raise Left from error
        if not found:
            raise Left
        return found
