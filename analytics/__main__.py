"""`python -m analytics`: the analytics program by itself."""

from __future__ import annotations

from analytics import (
    aggregate_commands,
    discover_commands,
    import_commands,
    reports_commands,
    scan_commands,
    service_metrics_commands,
    status_commands,
    tail_commands,
    upkeep_commands,
    watch_time_commands,
    web_commands,
    windows_commands,
)
from analytics.commands import analytics
from lakehouse.program import run

for command in (
    scan_commands.scan_cost,
    import_commands.import_,
    discover_commands.discover,
    watch_time_commands.watch_time,
    upkeep_commands.detail,
    upkeep_commands.optimize,
    upkeep_commands.vacuum,
    upkeep_commands.retain,
    upkeep_commands.restore,
    windows_commands.reconcile,
    windows_commands.rebuild,
    reports_commands.report,
    aggregate_commands.aggregate,
    service_metrics_commands.service_metrics,
    status_commands.status,
    status_commands.diff,
    tail_commands.tail,
    web_commands.web,
):
    analytics.add_command(command)


def main() -> None:
    """Run a command."""
    run(analytics, "python -m analytics")


if __name__ == "__main__":
    main()
