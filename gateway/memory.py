"""What the gateway may hold at once, in bytes: bodies under way and messages not acknowledged."""

from __future__ import annotations

import threading

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse.http.bounds import BUSY, Refuse

# What a message costs beside its bytes, in librdkafka and here.
A_MESSAGE = 300


class Full(Exception):
    """There is no room for so many bytes now."""


class Budget:
    """Bytes that may be held at once, by all requests together. Threads may share it."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Holds so many bytes more; raises Full where that is over the limit."""
        with self._lock:
            if self.held + size > self.most:
                raise Full
            self.held += size

    def give(self, size: int) -> None:
        """Makes room for others again."""
        with self._lock:
            self.held -= size


class Share:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self.size = budget, 0

    def add(self, size: int) -> None:
        """Holds more; raises Full where that is over the budget."""
        self._budget.take(size)
        self.size += size

    def release(self, keep: int = 0) -> None:
        """Gives back all but so many bytes. May be called again."""
        self._budget.give(self.size - keep)
        self.size = keep


class Metered:
    """The middleware: bytes of bodies are held from when they are read until the answer begins.

    Who has an answer finds room for the next request. Where there is none, the request gets 429
    at once.
    """

    def __init__(self, app: ASGIApp, budget: Budget, refuse: Refuse) -> None:
        self._app, self._budget, self._refuse = app, budget, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with its share of the budget as `scope["share"]`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        share = Share(self._budget)

        async def metered() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                share.add(len(message.get("body", b"")))
            return message

        async def released(message: Message) -> None:
            share.release()
            await send(message)

        try:
            await self._app({**scope, "share": share}, metered, released)
        except Full:
            await self._refuse(scope, BUSY)(scope, receive, released)
        finally:
            share.release()
