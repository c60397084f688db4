"""Spark's own progress events as batch reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql.streaming.listener import StreamingQueryListener

from streaming.report import BatchReport


class Reporter(StreamingQueryListener):
    """Calls `on_batch` after each completed batch with rows; `rejects_of` knows a batch's rejects."""

    def __init__(
        self, query: str, rejects_of: Callable[[int], int], on_batch: Callable[[BatchReport], None]
    ) -> None:
        self._query, self._rejects_of, self._on_batch = query, rejects_of, on_batch

    def onQueryProgress(self, event: Any) -> None:
        """A trigger ended; those without rows are passed over."""
        progress = event.progress
        if progress.name == self._query and progress.numInputRows:
            self._on_batch(report(progress, self._rejects_of(progress.batchId)))

    def onQueryStarted(self, event: Any) -> None:
        """Nothing to tell yet."""

    def onQueryIdle(self, event: Any) -> None:
        """Nothing new to tell."""

    def onQueryTerminated(self, event: Any) -> None:
        """The run says why by itself."""


def report(progress: Any, rejects: int) -> BatchReport:
    """What Spark says of a trigger, in our words."""
    phases = dict(progress.durationMs)
    return BatchReport(
        batch=progress.batchId,
        rows=progress.numInputRows,
        rejects=rejects,
        seconds=phases.get("triggerExecution", 0) / 1000,
        lag=sum(_lag(source) for source in progress.sources),
        committed_at=datetime.now(UTC),
        phases=phases,
    )


def _lag(source: Any) -> int:
    """Records between what the batch took and what the broker had when it began."""
    end, latest = (json.loads(text or "null") for text in (source.endOffset, source.latestOffset))
    if not isinstance(end, dict) or not isinstance(latest, dict):
        return 0
    return sum(
        max(0, offset - end.get(topic, {}).get(partition, 0))
        for topic, partitions in latest.items()
        if isinstance(partitions, dict)
        for partition, offset in partitions.items()
    )
