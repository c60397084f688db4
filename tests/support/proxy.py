"""A TCP line between programs and their broker that can be cut, slow or lossy; needs no root.

TCP repairs loss by sending again: what programs see of a lossy network is delay, and connections
that are reset. So the line holds a chunk back as TCP would, and resets some connections.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

CHUNK = 16 << 10
RETRANSMISSION_SECONDS = 0.2
RESET = struct.pack("ii", 1, 0)


@dataclass
class Line:
    """How the line is now: seconds a chunk, the share that is lost, the share that resets."""

    delay: float = 0.0
    lost: float = 0.0
    resets: float = 0.0
    cut: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def carry(self) -> None:
        """Take the time of one chunk. Raises ConnectionResetError where the line gives up."""
        time.sleep(self.delay)
        pause = RETRANSMISSION_SECONDS
        while self.chance.random() < self.lost:
            time.sleep(pause)
            pause *= 2
        if self.chance.random() < self.resets:
            raise ConnectionResetError
        while self.cut:
            time.sleep(0.05)


class Proxy:
    """Listens on `port` and forwards to `target`, each connection over the same line."""

    def __init__(self) -> None:
        self.line, self.target = Line(), 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        broker.settimeout(None)
        for ends in ((client, broker), (broker, client)):
            threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(CHUNK):
                self.line.carry()
                sink.sendall(chunk)
        except OSError:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
