"""Live tail: the rows of new commits, read from the files that they added."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from anyio import to_thread
from fastapi.sse import ServerSentEvent

from analytics.web.explore.figures import Row
from analytics.web.explore.filters import Filters
from analytics.web.explore.rows import ORDER, SHORT
from analytics.web.lake.lake import Lake
from lakehouse.duck import Pinned
from lakehouse.errors import TableError
from lakehouse.paths import is_url
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

EVERY_SECONDS, MOST_ROWS, MOST_COMMITS = 1.0, 100, 50


@dataclass
class Tail:
    """The selected rows of commits after `version`, of any event time."""

    lake: Lake
    filters: Filters
    version: int

    @classmethod
    def of(cls, lake: Lake, filters: Filters, after: str | None) -> Tail:
        """Returns a tail after the version that a browser saw last; without one, from now on."""
        if is_url(lake.places.lake):
            raise TableError("live tail reads the files of a folder", "look again in a moment")
        state = lake.newest(LOGS.name)
        newest = state.version if state else -1
        seen = int(after) if after and after.isdecimal() else newest
        return cls(lake, filters, min(max(seen, newest - MOST_COMMITS), newest))

    def rows(self) -> list[Row]:
        """Returns the rows since the last call, newest first: at most 100, of 50 commits."""
        state = self.lake.newest(LOGS.name)
        if state is None or state.version <= self.version:
            return []
        first = max(self.version + 1, state.version - MOST_COMMITS)
        files = self._files(state.files, first, state.version)
        self.version = state.version
        if not files.adds.num_rows:
            return []
        sql = (
            f"SELECT {SHORT} FROM logs WHERE {self.filters.all} ORDER BY {ORDER} LIMIT {MOST_ROWS}"
        )
        return self.lake.ask(sql, self.filters.bound(), {LOGS.name: files})

    def _files(self, whole: Pinned, first: int, last: int) -> Pinned:
        log = Log(self.lake.places, LOGS.name)
        adds = [add for version in range(first, last + 1) for add in _added_files(log, version)]
        columns = {
            "path": [add["path"] for add in adds],
            "partition": [add["partitionValues"] for add in adds],
        }
        return replace(whole, adds=pa.table(columns))


async def tail(
    lake: Lake, filters: Filters, after: str | None, render: Callable[[list[Row]], str]
) -> AsyncIterator[ServerSentEvent]:
    """Yields an event `rows` with HTML for each commit; its id lets a browser resume."""
    follow = await to_thread.run_sync(Tail.of, lake, filters, after)
    yield ServerSentEvent(event="hello", id=str(follow.version), retry=2000, raw_data="")
    while not lake.closing.is_set():
        rows = await to_thread.run_sync(follow.rows)
        if rows:
            yield ServerSentEvent(event="rows", id=str(follow.version), raw_data=render(rows))
        await asyncio.sleep(EVERY_SECONDS)


def _added_files(log: Log, version: int) -> Iterator[dict[str, Any]]:
    """Yields the files with new rows of a commit; a commit that only moves rows has none."""
    for action in log.actions(version) or ():
        if "add" in action and action["add"].get("dataChange", True):
            yield action["add"]
