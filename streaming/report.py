"""What one micro-batch did, as a value and as a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class BatchReport:
    """A completed micro-batch: `lag` are the records still waiting when it began to read."""

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
        """One line for a person."""
        return (
            f"{self.committed_at:%H:%M:%S} batch {self.batch:<5} {self.rows:>8,} rows "
            f"{self.rows_per_second:>9,.0f}/s  lag {self.lag:>8,}  "
            f"rejects {self.rejects:>6,}  {self.seconds:6.2f} s"
        )
