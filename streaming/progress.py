"""Spark's own progress of a query as batch reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streaming.report import BatchReport

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery


class Reporter:
    """Tells `on_batch` of each completed batch once; `rejects_of` knows the rejects of a batch."""

    def __init__(
        self, rejects_of: Callable[[int], int], on_batch: Callable[[BatchReport], None]
    ) -> None:
        self._rejects_of, self._on_batch, self._told = rejects_of, on_batch, -1

    def look(self, query: StreamingQuery) -> None:
        """Report what was completed since the last look; triggers without rows are passed over."""
        last = query.lastProgress
        if last is None or last.batchId <= self._told:
            return
        for progress in query.recentProgress:
            if progress.batchId > self._told and progress.numInputRows:
                self._on_batch(report(progress, self._rejects_of(progress.batchId)))
                self._told = progress.batchId


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
