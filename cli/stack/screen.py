"""The screen of `logpond up`: live on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import io
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from cli.stack.status import Status
from lakehouse.terminal import grid

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

LINE_SECONDS = 5.0
HINT = "Ctrl-C stops, drains and verifies"


class Screen:
    """Shows a status until it is closed; `say` puts a lasting line above it."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self._live: Live | None = None
        self._told = time.monotonic()

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
        """A line that stays."""
        if self._live:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text)
        self._told = time.monotonic()

    def addresses(self) -> None:
        """One table of what can be looked at now."""
        out = io.StringIO()
        cells = [[*line] for line in self.status.addresses()]
        grid.write(grid.Grid(["what", "where"], cells, [False, False]), out)
        self.say(out.getvalue().rstrip())

    def enter(self, phase: str) -> None:
        """Show what is being done now."""
        self.status.phase = phase
        if self._live is None:
            self.say(phase)

    def beat(self) -> None:
        """Without a terminal, say where things stand, every few seconds."""
        if self._live is None and time.monotonic() - self._told > LINE_SECONDS:
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
    spinner.update(text=Text(status.phase, style="bold"))
    table.add_row(spinner, Text(status.elapsed))
    for name, figures in status.rows():
        table.add_row(Text(name, style="dim"), Text(figures))
    hint = "Ctrl-C again: leave the rest for the next start" if status.is_stopping else HINT
    return Panel(table, title="logpond", subtitle=hint, title_align="left", expand=False)
