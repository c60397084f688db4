"""`python -m analytics`: the analytics program by itself."""

from __future__ import annotations

import sys

from analytics import (
    reports_commands,
    status_commands,
    tail_commands,
    upkeep_commands,
    web_commands,
    windows_commands,
)
from analytics.commands import analytics
from lakehouse.errors import LogpondError

for command in (
    upkeep_commands.detail,
    upkeep_commands.optimize,
    upkeep_commands.vacuum,
    upkeep_commands.retain,
    upkeep_commands.restore,
    windows_commands.reconcile,
    windows_commands.rebuild,
    reports_commands.report,
    status_commands.status,
    status_commands.diff,
    tail_commands.tail,
    web_commands.web,
):
    analytics.add_command(command)


def main() -> None:
    """Run a command; a fault is words and an exit code."""
    try:
        analytics(prog_name="python -m analytics")
    except LogpondError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
