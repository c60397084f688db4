"""A Delta table as a value: its columns, its layout on disk, how long versions are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

# How far back versions can be read, in hours: what upkeep trims and a vacuum deletes by.
HISTORY_PROPERTY = "logpond.historyHours"
# A checkpoint forgets what was removed before a vacuum has come by, were this not longer.
REMOVED_MORE_HOURS = 12


def history(hours: int) -> dict[str, str]:
    """Returns the properties of a table whose versions are readable for so many hours."""
    noted = f"interval {hours + REMOVED_MORE_HOURS} hours"
    return {
        HISTORY_PROPERTY: str(hours),
        "delta.deletedFileRetentionDuration": noted,
        # Spark refuses less; and it is upkeep that trims, which knows what streams have yet to read
        "delta.logRetentionDuration": noted,
        "delta.enableExpiredLogCleanup": "false",
    }


@dataclass(frozen=True)
class Table:
    """A Delta table: `statistics` are the columns by which readers skip files.

    By `order_by` the rows of a partition are z-ordered, once its hour or day is over.
    """

    name: str
    comment: str
    columns: pa.Schema
    partition_by: tuple[str, ...]
    statistics: tuple[str, ...]
    order_by: tuple[str, ...] = ()
    history_hours: int = 168
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def configuration(self) -> dict[str, str]:
        """The Delta table properties: kept for time travel, readable without a JVM."""
        return {
            "delta.enableDeletionVectors": "false",
            "delta.dataSkippingStatsColumns": ",".join(self.statistics),
            **history(self.history_hours),
            "delta.checkpointInterval": "50",
            **self.properties,
        }
