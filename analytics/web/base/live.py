"""Server-sent events that tell a page to load something new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from anyio import to_thread
from fastapi.sse import ServerSentEvent

from analytics.web.lake.lake import Lake

# Answers without an end: they have a lane of their own.
STREAMS = ("/live", "/explore/tail", "/ingest/live")
EVERY_SECONDS = 2.0


async def changes(
    lake: Lake, names: Sequence[str], every: float = EVERY_SECONDS
) -> AsyncIterator[ServerSentEvent]:
    """Yields an event `changed` whenever one of these tables has a new version."""
    known = await to_thread.run_sync(lake.versions, names)
    yield ServerSentEvent(event="hello", data=known, retry=3000)
    while not lake.closing.is_set():
        await asyncio.sleep(every)
        now = await to_thread.run_sync(lake.versions, names)
        if now != known:
            known = now
            yield ServerSentEvent(event="changed", data=now)
