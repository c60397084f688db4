"""What one who asks too much or too slowly gets, and that others are served meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from support.serving import connected, request, serving, status

from lakehouse.http.asker import asker
from lakehouse.http.bounds import Bounds, Lane, Refusal
from lakehouse.settings import Http

QUICK = Http(connections=16, requests=2, head_seconds=1, body_seconds=1, send_seconds=1)
PATIENCE_SECONDS = 20


@dataclass
class Work:
    """An application whose work goes on until it is released, or nobody waits for it."""

    begun: threading.Semaphore = field(default_factory=partial(threading.Semaphore, 0))
    left: threading.Semaphore = field(default_factory=partial(threading.Semaphore, 0))
    release: threading.Event = field(default_factory=threading.Event)

    def work(self, _request: Request) -> PlainTextResponse:
        """Ends once it is released or nobody waits."""
        ended = threading.Event()

        def leave() -> None:
            ended.set()
            self.left.release()

        with asker().calling(leave):
            self.begun.release()
            while not (ended.is_set() or self.release.wait(0.05)):
                pass
        return PlainTextResponse("done")

    async def echo(self, request: Request) -> PlainTextResponse:
        """The length of the body."""
        return PlainTextResponse(str(len(await request.body())))

    def endless(self, _request: Request) -> StreamingResponse:
        """More than anybody takes."""
        return StreamingResponse(b"x" * 65536 for _ in range(100_000))

    async def health(self, _request: Request) -> PlainTextResponse:
        """Well."""
        return PlainTextResponse("ok")

    @contextmanager
    def served(self, bounds: Http = QUICK) -> Iterator[str]:
        """Its address while it is served with these bounds."""
        routes = [
            Route("/work", self.work),
            Route("/echo", self.echo, methods=["POST"]),
            Route("/endless", self.endless),
            Route("/healthz", self.health),
        ]
        lanes = (Lane(("/endless",), 1),)
        app = Bounds(Starlette(routes=routes), bounds, 1000, refuse, lanes)
        with serving(app, bounds, self.release.set) as at:
            yield at


def refuse(_scope: object, refusal: Refusal) -> PlainTextResponse:
    """The refusal as text."""
    return PlainTextResponse(refusal.what, refusal.status, dict(refusal.headers))


def test_answers_wait_for_no_acknowledgement() -> None:
    """The head and the body of an answer are two packets; Nagle's algorithm holds the second one
    back until the first is acknowledged, which takes 40 ms."""
    delays = list[int]()

    async def delay(request: Request) -> PlainTextResponse:
        sock = request.scope["state"]["connection"].transport.get_extra_info("socket")
        delays.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return PlainTextResponse("sent")

    with serving(Starlette(routes=[Route("/", delay)]), QUICK, lambda: None) as at:
        assert httpx.get(at).text == "sent"
    assert delays == [1]


def test_work_is_admitted_not_queued() -> None:
    """One too many is told so at once, and may come again; health is answered all the while."""
    work = Work()
    with work.served() as at, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(connected(at, request("/work")))
            assert work.begun.acquire(timeout=PATIENCE_SECONDS)
        refused = httpx.get(f"{at}/work", timeout=PATIENCE_SECONDS)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert httpx.get(f"{at}/healthz", timeout=PATIENCE_SECONDS).text == "ok"
        work.release.set()


@pytest.mark.nightly  # on a busy machine it can be cut off itself
def test_work_ends_with_who_asked() -> None:
    """A dropped request makes room: a hundred of them keep nobody waiting."""
    work = Work()
    with work.served() as at:
        for _ in range(100):
            connected(at, request("/work")).close()
        until = time.monotonic() + PATIENCE_SECONDS
        with connected(at, request("/work")) as asked:
            while not work.begun.acquire(timeout=0.1) or not work.left.acquire(timeout=0.1):
                assert time.monotonic() < until
            work.release.set()
            assert status(asked) in (200, 429)
        while httpx.get(f"{at}/work", timeout=PATIENCE_SECONDS).status_code == 429:
            assert time.monotonic() < until


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"GET /healthz HTT", request("/healthz")[:-2]])
def test_a_head_that_does_not_come_ends_the_connection(said: bytes) -> None:
    """Whatever of it is there."""
    with Work().served() as at, connected(at, said) as asked:
        began = time.monotonic()
        assert status(asked) == 0
        assert 0.5 < time.monotonic() - began < PATIENCE_SECONDS


@pytest.mark.slow
def test_a_head_that_drips_is_no_reason_to_wait() -> None:
    """Its time counts from the beginning."""
    with Work().served() as at, connected(at, b"GET /healthz HTTP/1.1\r\n") as asked:
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < PATIENCE_SECONDS:
                asked.sendall(b"X: 1\r\n")
                time.sleep(0.1)
        assert time.monotonic() - began < PATIENCE_SECONDS / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [
        (["Content-Length: 1000"], b"x" * 1000, 200),
        (["Content-Length: 1000"], b"x", 408),
        (["Content-Length: 1001"], b"x" * 1001, 413),
        (["Transfer-Encoding: chunked"], b"7d0\r\n" + b"x" * 2000, 413),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
    ],
)
def test_a_body_is_bounded(headers: list[str], body: bytes, answer: int) -> None:
    """In time and in what is read, whatever is announced; two lengths are none."""
    said = request("/echo", *headers, method="POST") + body
    with Work().served() as at, connected(at, said) as asked:
        assert status(asked) == answer


def test_idle_connections_keep_nobody_out() -> None:
    """However many there are: a new one takes the place of the one that waits longest."""
    slow = QUICK.model_copy(update={"head_seconds": 600.0})
    with Work().served(slow) as at, ExitStack() as opened:
        for _ in range(300):
            opened.enter_context(connected(at))
        assert httpx.get(f"{at}/healthz", timeout=PATIENCE_SECONDS).text == "ok"


@pytest.mark.slow
def test_who_takes_nothing_is_left() -> None:
    """An answer that nobody takes makes room for the next one."""
    with Work().served() as at, connected(at, request("/endless")):
        time.sleep(0.3)
        assert httpx.get(f"{at}/endless", timeout=PATIENCE_SECONDS).status_code == 429
        until = time.monotonic() + PATIENCE_SECONDS
        while is_refused(f"{at}/endless"):
            assert time.monotonic() < until
            time.sleep(0.2)


def is_refused(address: str) -> bool:
    """Whether an answer is refused; what comes of it is not taken."""
    with httpx.stream("GET", address, timeout=PATIENCE_SECONDS) as answer:
        return answer.status_code == 429
