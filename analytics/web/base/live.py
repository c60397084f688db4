"""Server-sent events, by which a page learns that there is something new to show."""

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
    """Count a request as a follower while it lasts; HTTPException 503 if there are too many."""
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
    """An event `changed` for each look at which one of these tables has a new version."""
    known = await to_thread.run_sync(lake.versions, names)
    yield ServerSentEvent(event="hello", data=known, retry=3000)
    while not lake.closing.is_set():
        await asyncio.sleep(every)
        now = await to_thread.run_sync(lake.versions, names)
        if now != known:
            known = now
            yield ServerSentEvent(event="changed", data=now)
