"""Server-sent events: a page is told when there is something new to show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from anyio import to_thread
from fastapi.sse import ServerSentEvent

from analytics.web.lake import Lake

EVERY_SECONDS = 2.0


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
