"""Work is admitted, not queued: an ASGI middleware that bounds what a server does at once.

A request is in a lane with a number of places; where all are taken it is refused (429) and may
come again. Its body is read here, in bounded time and size; whoever answers it sees by `asker()`
that the one who asked is gone. Health has no lane: it is answered whatever else goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse.http.asker import ASKER, Asker, Busy
from lakehouse.settings import Http

HEALTH = ("/healthz", "/readyz")
RETRY_SECONDS = "1"


@dataclass(frozen=True)
class Lane:
    """Requests to these paths, and how many of them may be answered at once."""

    paths: tuple[str, ...]
    most: int


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: HTTPStatus
    what: str
    remedy: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def unauthorized(what: str, remedy: str, error: str = "") -> Refusal:
    """The refusal of who shows no token that counts; `error` is one of RFC 6750."""
    asked = f'Bearer error="{error}"' if error else "Bearer"
    return Refusal(HTTPStatus.UNAUTHORIZED, what, remedy, (("WWW-Authenticate", asked),))


Refuse = Callable[[Scope, Refusal], ASGIApp]
BUSY = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS, Busy().what, Busy().remedy, (("Retry-After", RETRY_SECONDS),)
)
TOO_LONG = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "this is more than is read")
TOO_SLOW = Refusal(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to come")
TWO_LENGTHS = Refusal(HTTPStatus.BAD_REQUEST, "the request has two lengths")


class Bounds:
    """The middleware. `refuse` makes the answer to a request that is not let through."""

    def __init__(
        self, app: ASGIApp, bounds: Http, body_bytes: int, refuse: Refuse, lanes: Sequence[Lane]
    ) -> None:
        self._app, self._bounds, self._body_bytes = app, bounds, body_bytes
        self._refuse, self._lanes = refuse, (*lanes, Lane(("",), bounds.requests))
        self._running: Counter[Lane] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request if its lane has room; otherwise refuses it at once."""
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self._app(scope, receive, send)
            return
        lane = next(lane for lane in self._lanes if scope["path"].startswith(lane.paths))
        if self._running[lane] >= lane.most:
            await self._refuse(scope, BUSY)(scope, receive, send)
            return
        self._running[lane] += 1
        try:
            await self._with_body(scope, receive, self._hurried(scope, send))
        finally:
            self._running[lane] -= 1

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._body(scope, receive)
        if isinstance(body, Refusal):
            await self._refuse(scope, body)(scope, receive, send)
        elif body is not None:
            await self._answer(body, scope, receive, send)

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        asker, gone = Asker(), asyncio.Event()
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        watching = asyncio.create_task(_watch(receive, asker, gone))
        token = ASKER.set(asker)
        try:
            await self._app(scope, replay, send)
        finally:
            ASKER.reset(token)
            watching.cancel()

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Refusal | None:
        """The whole body; None where the one who asks is gone before it is there."""
        headers, body = Headers(scope=scope), bytearray()
        if "content-length" in headers and "transfer-encoding" in headers:
            return TWO_LENGTHS
        with suppress(TimeoutError):
            async with asyncio.timeout(self._bounds.body_seconds):
                while (message := await receive())["type"] == "http.request":
                    body += message.get("body", b"")
                    if len(body) > self._body_bytes:
                        return TOO_LONG
                    if not message.get("more_body"):
                        return bytes(body)
                return None
        return TOO_SLOW

    def _hurried(self, scope: Scope, send: Send) -> Callable[[Message], Awaitable[None]]:
        """Sending, which ends the connection of whoever does not take what is sent."""
        connection: Any = scope.get("state", {}).get("connection")

        async def hurried(message: Message) -> None:
            try:
                async with asyncio.timeout(self._bounds.send_seconds):
                    await send(message)
            except TimeoutError:
                if connection:
                    connection.abort()

        return hurried


async def _watch(receive: Receive, asker: Asker, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    asker.leave()
    gone.set()
