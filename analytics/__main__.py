"""`python -m analytics`: the analytics program by itself."""

from __future__ import annotations

from analytics.commands import report, status, tail, upkeep, web, windows
from analytics.commands.sql import analytics
from lakehouse.terminal.program import run

for command in (
    upkeep.detail,
    upkeep.optimize,
    upkeep.vacuum,
    upkeep.retain,
    upkeep.restore,
    windows.reconcile,
    windows.rebuild,
    report.report,
    status.status,
    status.diff,
    tail.tail,
    web.web,
):
    analytics.add_command(command)


def main() -> None:
    """Run a command."""
    run(analytics, "python -m analytics")


if __name__ == "__main__":
    main()
