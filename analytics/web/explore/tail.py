"""Live tail: the rows that new commits bring, read from their own files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from anyio import to_thread
from fastapi.sse import ServerSentEvent

from analytics.web.explore.figures import ORDER, Row
from analytics.web.explore.filters import Filters
from analytics.web.lake.lake import Lake
from lakehouse.duck import Pinned
from lakehouse.errors import TableError
from lakehouse.paths import is_url
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS

EVERY_SECONDS, MOST_ROWS, MOST_COMMITS = 1.0, 100, 50


@dataclass
class Tail:
    """The filtered rows of commits after `version`, of any time."""

    lake: Lake
    filters: Filters
    version: int

    @classmethod
    def of(cls, lake: Lake, filters: Filters, after: str | None) -> Tail:
        """A tail from `after` on, the version that a browser saw last; else from now on."""
        if is_url(lake.places.lake):
            raise TableError("live tail reads the files of a folder", "look again in a moment")
        state = lake.newest(LOGS.name)
        newest = state.version if state else -1
        seen = int(after) if after and after.isdecimal() else newest
        return cls(lake, filters, min(max(seen, newest - MOST_COMMITS), newest))

    def rows(self) -> list[Row]:
        """Rows since the last call, newest first; at most 100, of the newest 50 commits."""
        state = self.lake.newest(LOGS.name)
        if state is None or state.version <= self.version:
            return []
        first = max(self.version + 1, state.version - MOST_COMMITS)
        files = self._files(state.files, first, state.version)
        self.version = state.version
        if not files.adds.num_rows:
            return []
        rules = " AND ".join([self.filters.time_and_text, *self.filters.conditions().values()])
        sql = f"SELECT * FROM logs WHERE {rules} ORDER BY {ORDER} LIMIT {MOST_ROWS}"
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
    """An event `rows` with HTML for each commit; its id lets a browser go on after a pause."""
    follow = await to_thread.run_sync(Tail.of, lake, filters, after)
    yield ServerSentEvent(event="hello", id=str(follow.version), retry=2000, raw_data="")
    while not lake.closing.is_set():
        rows = await to_thread.run_sync(follow.rows)
        if rows:
            yield ServerSentEvent(event="rows", id=str(follow.version), raw_data=render(rows))
        await asyncio.sleep(EVERY_SECONDS)


def _added_files(log: Log, version: int) -> Iterator[dict[str, Any]]:
    """The files with new rows of a commit; one that only moves rows has none."""
    for action in log.actions(version) or ():
        if "add" in action and action["add"].get("dataChange", True):
            yield action["add"]
