"""A Delta table as a value: what it holds, how it lies on disk, how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class Table:
    """A Delta table: `statistics` are the columns by which readers skip files."""

    name: str
    comment: str
    columns: pa.Schema
    partition_by: tuple[str, ...]
    statistics: tuple[str, ...]
    retention_hours: int = 168
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def configuration(self) -> dict[str, str]:
        """The Delta table properties: kept for time travel, readable without a JVM."""
        kept = f"interval {self.retention_hours} hours"
        return {
            "delta.enableDeletionVectors": "false",
            "delta.dataSkippingStatsColumns": ",".join(self.statistics),
            "delta.deletedFileRetentionDuration": kept,
            "delta.logRetentionDuration": kept,
            "delta.checkpointInterval": "100",
            **self.properties,
        }
