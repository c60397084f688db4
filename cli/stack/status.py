"""What the local stack knows about itself while it runs, and how a person reads it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anomaly.engine.incident import Incident
    from lakehouse.windows.stream import WindowsReport
    from streaming.report import BatchReport


@dataclass
class Status:
    """Figures of producer and ingest; each is written by one thread, and read by the screen's."""

    lake: str
    phase: str = "starting"
    sending: str = "sending"
    is_stopping: bool = False
    kafka: str = ""
    spark_ui: str = ""
    page: str = ""
    acked: int = 0
    failed: int = 0
    unsent: int = 0
    rate: float = 0.0
    logs: int = 0
    quarantine: int = 0
    batch: BatchReport | None = None
    windows: WindowsReport | None = None
    incidents: dict[str, Incident] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def sent(self, said: dict[str, Any]) -> None:
        """Take over a line of the producer."""
        self.acked, self.failed = said["acked"], said["failed"]
        self.unsent, self.rate, self.sending = said["unsent"], said["rate"], said["phase"]

    def committed(self, report: BatchReport) -> None:
        """Take over a completed micro-batch."""
        self.logs += report.rows - report.rejects
        self.quarantine += report.rejects
        self.batch = report

    def closed(self, report: WindowsReport) -> None:
        """Take over windows that became final."""
        self.windows = report

    def found(self, incident: Incident) -> None:
        """Take over an incident that opened, escalated or closed."""
        self.incidents[incident.incident_id] = incident

    def rows(self) -> list[tuple[str, str]]:
        """What the live screen shows: a name and its figures a line."""
        sent = f"{self.acked:>12,} acked    {self.rate:>9,.0f} events/s"
        return [
            ("producer", sent + (f"    {self.failed:,} failed" if self.failed else "")),
            ("logs", f"{self.logs:>12,} rows"),
            ("quarantine", f"{self.quarantine:>12,} rows"),
            ("lag", f"{self._lag()} records"),
            ("last commit", self._last_commit()),
            ("windows", self._windows()),
            ("incidents", self._incidents()),
            *self.addresses(),
            ("lake", self.lake),
        ]

    def addresses(self) -> list[tuple[str, str]]:
        """Where to look, a name and an address a line."""
        known = {"page": self.page, "Spark UI": self.spark_ui, "Kafka": self.kafka}
        return [(name, address or "-") for name, address in known.items()]

    def line(self) -> str:
        """The same as one line, for where there is no terminal."""
        return (
            f"{self.elapsed} {self.phase:<10} acked {self.acked:,} ({self.rate:,.0f}/s)  "
            f"logs {self.logs:,}  quarantine {self.quarantine:,}  lag {self._lag()}  "
            f"last commit {self._last_commit()}"
        )

    @property
    def elapsed(self) -> str:
        """Time since the start, as minutes and seconds."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes:02d}:{seconds:02d}"

    def _lag(self) -> str:
        return f"{self.batch.lag:,}" if self.batch else "-"

    def _windows(self) -> str:
        return f"closed up to {self.windows.horizon:%H:%M} UTC" if self.windows else "-"

    def _incidents(self) -> str:
        known = [*self.incidents.values()]
        newest = max(known, key=lambda one: one.last_breach, default=None)
        if newest is None:
            return "none so far"
        is_open = sum(one.status == "open" for one in known)
        return f"{is_open} open, {len(known)} found: {newest.sentence[:80]}"

    def _last_commit(self) -> str:
        if self.batch is None:
            return "-"
        at = self.batch.committed_at
        ago = (datetime.now(UTC) - at).total_seconds()
        took = f"{self.batch.rows:,} rows in {self.batch.seconds:.1f} s"
        return f"{at:%H:%M:%S} UTC, {ago:.0f} s ago: batch {self.batch.batch}, {took}"
