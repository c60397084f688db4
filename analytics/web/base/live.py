"""Server-sent events: a page is told when there is something new to show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus

from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import HTTPException, Request
from fastapi.sse import ServerSentEvent

from analytics.web.lake.lake import Lake

EVERY_SECONDS, MOST_FOLLOWERS = 2.0, 64


async def following(request: Request) -> AsyncIterator[None]:
    """A place among those who follow, until they leave; HTTPException 503 where all are taken."""
    places: CapacityLimiter = request.app.state.followers
    try:
        places.acquire_on_behalf_of_nowait(request)
    except WouldBlock:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, f"{places.total_tokens} pages follow this lake already"
        ) from None
    try:
        yield
    finally:
        places.release_on_behalf_of(request)


async def changes(
    lake: Lake, names: Sequence[str], every: float = EVERY_SECONDS
) -> AsyncIterator[ServerSentEvent]:
    """`changed` whenever one of these tables has another version than at the last look."""
    known = await to_thread.run_sync(lake.versions, names)
    yield ServerSentEvent(event="hello", data=known, retry=3000)
    while not lake.closing.is_set():
        await asyncio.sleep(every)
        now = await to_thread.run_sync(lake.versions, names)
        if now != known:
            known = now
            yield ServerSentEvent(event="changed", data=now)
