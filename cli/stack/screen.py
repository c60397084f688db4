"""The state of `logpond up` while it runs, and its screen.

It is live on a terminal; elsewhere it prints a plain line every few seconds.
"""

from __future__ import annotations

import io
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cli.stack.phases import Phases
from lakehouse.terminal import grid
from lakehouse.terminal.render import echo, escaped

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from anomaly.engine.incident import Incident
    from lakehouse.windows.stream import WindowsReport
    from streaming.progress import BatchReport

LINE_SECONDS = 5.0
HINT = "Ctrl-C stops, drains and verifies"


@dataclass
class Status:
    """Figures of producer and ingest; each is written by one thread, and read by the screen's."""

    lake: str
    phase: str = "starting"
    phases: Phases = field(default_factory=Phases)
    sending: str = "sending"
    is_stopping: bool = False
    kafka: str = ""
    spark_ui: str = ""
    page: str = ""
    gateway: str = ""
    postgres: str = ""
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

    def sent(self, report: dict[str, Any]) -> None:
        """Takes the figures of a line of the producer."""
        self.acked, self.failed = report["acked"], report["failed"]
        self.unsent, self.rate, self.sending = report["unsent"], report["rate"], report["phase"]

    def committed(self, report: BatchReport) -> None:
        """Takes the figures of a completed micro-batch."""
        self.logs += report.rows - report.rejects
        self.quarantine += report.rejects
        self.batch = report

    def closed(self, report: WindowsReport) -> None:
        """Takes the figures of windows that became final."""
        self.windows = report

    def found(self, incident: Incident) -> None:
        """Takes an incident that opened, escalated or closed."""
        self.incidents[incident.incident_id] = incident

    def rows(self) -> list[tuple[str, str]]:
        """Returns what the live screen shows: a name and its figures a line."""
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
        """Returns the addresses to open, a name and an address a line."""
        known = {"page": self.page, "gateway": self.gateway, "postgres": self.postgres}
        known |= {"Spark UI": self.spark_ui, "Kafka": self.kafka}
        return [(name, address or "-") for name, address in known.items()]

    def line(self) -> str:
        """Returns the figures as one line, for output that is no terminal."""
        return (
            f"{self.elapsed} {self.doing:<10} acked {self.acked:,} ({self.rate:,.0f}/s)  "
            f"logs {self.logs:,}  quarantine {self.quarantine:,}  lag {self._lag()}  "
            f"last commit {self._last_commit()}"
        )

    @property
    def doing(self) -> str:
        """Returns what is done or waited for, how long already, and how long it took last time."""
        return f"{self.phase}{self.phases.line}"

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


class Screen:
    """Shows a status until it is closed; `say` prints a lasting line above it."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self._live: Live | None = None
        self._spoke = time.monotonic()

    def __enter__(self) -> Screen:
        if sys.stdout.isatty():
            self._live = _live(self.status)
            self._live.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        if self._live:
            safe = escaped(text, keep="\n\t")
            self._live.console.print(safe, markup=False, highlight=False)
        else:
            echo(text)
        self._spoke = time.monotonic()

    def addresses(self) -> None:
        """Prints one table of the addresses that can be opened now."""
        out = io.StringIO()
        cells = [[*line] for line in self.status.addresses()]
        grid.write(grid.Grid(["what", "where"], cells, [False, False]), out)
        self.say(out.getvalue().rstrip())

    def enter(self, phase: str) -> None:
        """Shows what is being done now, and how long that took last time."""
        self.status.phase = phase
        self.status.phases.enter(phase)
        if self._live is None:
            self.say(self.status.doing)

    def beat(self) -> None:
        """Prints the figures every few seconds if there is no terminal."""
        if self._live is None and time.monotonic() - self._spoke > LINE_SECONDS:
            self.say(self.status.line())


def _live(status: Status) -> Live:
    from rich.live import Live

    spinner: Any = _spinner()
    return Live(get_renderable=lambda: _panel(status, spinner), refresh_per_second=4)


def _spinner() -> Any:
    from rich.spinner import Spinner

    return Spinner("dots")


def _panel(status: Status, spinner: Any) -> RenderableType:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    spinner.update(text=Text(status.doing, style="bold"))
    table.add_row(spinner, Text(status.elapsed))
    for name, figures in status.rows():
        table.add_row(Text(name, style="dim"), Text(figures))
    hint = "Ctrl-C again: leave the rest for the next start" if status.is_stopping else HINT
    return Panel(table, title="logpond", subtitle=hint, title_align="left", expand=False)
