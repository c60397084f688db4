"""Converts Spark's progress of a query to batch reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery


@dataclass(frozen=True)
class BatchReport:
    """A completed micro-batch; `lag` counts the records that were waiting when it began."""

    batch: int
    rows: int
    rejects: int
    seconds: float
    lag: int
    committed_at: datetime
    phases: dict[str, int]

    @property
    def rows_per_second(self) -> float:
        """Records a second of the batch's own time."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def line(self) -> str:
        """Returns one line for a person."""
        return (
            f"{self.committed_at:%H:%M:%S} batch {self.batch:<5} {self.rows:>8,} rows "
            f"{self.rows_per_second:>9,.0f}/s  lag {self.lag:>8,}  "
            f"rejects {self.rejects:>6,}  {self.seconds:6.2f} s"
        )


class Reporter:
    """Calls `on_batch` once a completed batch; `rejects_of` returns the rejects of a batch.

    `waited` records waited when the query was started. A batch that was planned before has no
    newer offsets beside it, and would seem to leave none.
    """

    def __init__(
        self,
        rejects_of: Callable[[int], int],
        on_batch: Callable[[BatchReport], None],
        waited: int = 0,
    ) -> None:
        self._waited = waited
        self._rejects_of, self._on_batch, self._reported = rejects_of, on_batch, -1

    @property
    def has_reported(self) -> bool:
        """Whether a batch was completed."""
        return self._reported >= 0

    def look(self, query: StreamingQuery) -> None:
        """Reports the batches completed since the last call; triggers without rows are skipped."""
        last = query.lastProgress
        if last is None or last.batchId <= self._reported:
            return
        for progress in query.recentProgress:
            if progress.batchId > self._reported and progress.numInputRows:
                batch = report(progress, self._rejects_of(progress.batchId))
                self._waited, left = 0, max(0, self._waited - batch.rows)
                self._on_batch(replace(batch, lag=max(batch.lag, left)))
                self._reported = progress.batchId


def report(progress: Any, rejects: int) -> BatchReport:
    """Returns Spark's progress of a trigger as a batch report."""
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
    """Returns the records between the end of the batch and the broker's end when it began."""
    end, latest = (json.loads(text or "null") for text in (source.endOffset, source.latestOffset))
    if not isinstance(end, dict) or not isinstance(latest, dict):
        return 0
    return sum(
        max(0, offset - end.get(topic, {}).get(partition, 0))
        for topic, partitions in latest.items()
        if isinstance(partitions, dict)
        for partition, offset in partitions.items()
    )
