"""A proxy between programs and their object store, which makes trouble for chosen requests.

It passes on the head of a request as it came, as its signature covers the name of the host.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)
OF_ONE_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
CODES = {500: "InternalError", 503: "SlowDown", 507: "InsufficientStorage", 403: "QuotaExceeded"}
LONGEST_SILENCE = 600.0
REFUSALS = ("500", "503", "507", "403")


@dataclass
class Trouble:
    """What befalls the next `times` requests of a method whose path has this text.

    `what` is a status that is answered in place of the store's answer; `done 500`: the same after
    the store did it; `lost`: the store did it and the connection is reset; `late`: it did it, and
    the answer does not come; `cut`: half of the body arrives, and the connection is reset; `slow`:
    it does not even arrive; `held`: it arrives when the trouble is over.
    """

    what: str
    method: str
    path: str
    times: int = 1
    seen: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is one of them; it is counted."""
        is_one = self.seen < self.times and method == self.method and self.path in path
        self.seen += is_one
        return is_one


@dataclass
class BucketProxy:
    """Listens on a port of its own, and passes requests on to `target`; it counts them.

    It is a process of its own: some calls of deltalake let no other thread of Python run. With a
    certificate and its key it speaks TLS.
    """

    target: str
    certificate: tuple[Path, Path] | None = None
    endpoint: str = ""
    _child: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> BucketProxy:
        """Listens."""
        files = [str(file) for file in self.certificate or ()]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "support.bucket_proxy", self.target, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.endpoint = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        """Listens no more."""
        self._child.kill()
        self._child.communicate()

    @contextmanager
    def trouble(self, what: str, method: str, path: str, times: int = 1) -> Iterator[Trouble]:
        """Trouble for the next requests, until the end of the block; then it says how many."""
        made = Trouble(what, method, path, times)
        self._ask("begin", what, method, path, times)
        try:
            yield made
        finally:
            made.seen = self._ask("end")

    def until_seen(self, seconds: float) -> bool:
        """Waits until a request is befallen; whether one was."""
        until = time.monotonic() + seconds
        while not (seen := self._ask("seen")) and time.monotonic() < until:
            time.sleep(0.05)
        return bool(seen)

    def counts(self) -> dict[str, int]:
        """Returns how many requests of each method there were so far."""
        found: dict[str, int] = self._ask("counts")
        return found

    def _ask(self, *order: object) -> Any:
        assert self._child.stdin
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._child.stdout
        return json.loads(self._child.stdout.readline())


@dataclass
class Line:
    """What the process knows: the trouble of now, and how many requests there were."""

    target: str
    trouble: Trouble | None = None
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def befalls(self, method: str, path: str) -> str:
        """Returns what befalls a request; empty for nothing."""
        with self.lock:
            self.counts[method] += 1
            is_one = self.trouble and self.trouble.takes(method, path)
            return self.trouble.what if self.trouble and is_one else ""

    def obey(self, name: str, *of: Any) -> Any:
        """Follows an order; returns what is to be said."""
        with self.lock:
            if name == "begin":
                self.trouble = Trouble(*of)
                return 0
            if name == "seen":
                return self.trouble.seen if self.trouble else 0
            if name == "counts":
                return self.counts
            seen, self.trouble = self.trouble.seen if self.trouble else 0, None
            return seen


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of connections that a client gave up."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the store."""

    line: Line
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        """Ends the connection to the store with that of the client."""
        if self.store:
            self.store.close()
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _carry(self) -> None:
        what = self.line.befalls(self.command, self.path)
        body = self._body()
        if what in REFUSALS:
            self._refuse(int(what))
        elif what == "slow":
            self._hang()
        elif what == "cut":
            self._send(body[: len(body) // 2], len(body))
            self._reset()
        else:
            while what == "held" and self.line.trouble:
                time.sleep(0.02)
            self._answer(what, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _carry

    def _answer(self, what: str, body: bytes) -> None:
        try:
            self._send(body, len(body))
            assert self.store
            answer = self.store.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):  # as a store that is not there
            self._reset()
            return
        if what == "done 500":
            self._refuse(500)
        elif what == "late":
            self._hang()
        elif what == "lost":
            self._reset()
        else:
            self._reply(answer, content)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _send(self, body: bytes, length: int) -> None:
        """Sends a request as it came, with so much of its body."""
        with suppress(OSError, http.client.HTTPException):
            if self.store and self.store.sock is None:
                self.store = None
        if self.store is None:
            where = urlsplit(self.line.target)
            self.store = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
            self.store.connect()
            self.store.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in (*OF_ONE_HOP, "expect"):
                self.store.putheader(name, value)
        self.store.putheader("Content-Length", str(length))
        self.store.endheaders(body or None)

    def _reply(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in OF_ONE_HOP:
                self.send_header(name, value)
        no_body = self.command == "HEAD" or answer.status in (204, 304)
        length = answer.getheader("Content-Length") if no_body else str(len(content))
        if length is not None and answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if not no_body:
            self.wfile.write(content)

    def _refuse(self, status: int) -> None:
        code = CODES[status]
        content = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self.send_response_only(status, code)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang(self) -> None:
        self.close_connection = True
        time.sleep(LONGEST_SILENCE)

    def _reset(self) -> None:
        """Ends both connections as a cut line does."""
        self.close_connection = True
        for end in (self.connection, self.store.sock if self.store else None):
            with suppress(OSError, AttributeError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)  # type: ignore[union-attr]
                end.close()  # type: ignore[union-attr]


def main(target: str, *certificate: str) -> None:
    """Serves until it is killed, or its input ends; orders and answers are lines of JSON."""
    line = Line(target)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"line": line}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(
        json.dumps(f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"), flush=True
    )
    for order in sys.stdin:
        print(json.dumps(line.obey(*json.loads(order))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
