"""Builders: a real server of ours over any application, and raw sockets that ask it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import httpx

from lakehouse.http.sockets import Config, Server
from lakehouse.settings import Http

Result = TypeVar("Result")


@contextmanager
def serving(
    app: Any, bounds: Http, closing: Callable[[], None] = lambda: None, **options: Any
) -> Iterator[str]:
    """The address of a server, which ends with the test."""
    config = Config(app, bounds, **options)
    listener = config.listener("127.0.0.1", 0)
    running = Server(config, closing)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    closing()
    running.should_exit = running.force_exit = True
    thread.join(10)


def connected(at: str, say: bytes = b"") -> socket.socket:
    """A connection to a server, over which something was said."""
    host, _, port = at.rpartition("/")[2].partition(":")
    found = socket.create_connection((host, int(port)), timeout=20)
    found.sendall(say)
    return found


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    """A request as it goes over a connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode()


def status(connection: socket.socket) -> int:
    """The status of the answer; 0 where the connection was closed without one."""
    try:
        words = connection.recv(4096).split()
    except ConnectionResetError:
        return 0
    return int(words[1]) if words else 0


def until_answered(address: str) -> str:
    """What a server says that has just been started."""
    for _ in range(300):
        with suppress(httpx.ConnectError):
            return httpx.get(address).text
        time.sleep(0.1)
    raise AssertionError(f"nobody answers at {address}")


def awaited(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns, in a thread of its own, for Playwright has a loop in the other."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
