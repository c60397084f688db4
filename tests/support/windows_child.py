"""Closes the windows of a lake until it kills itself at a step; without one, to the end.

`windows_child.py '{"die_at": "traffic", "lake": ...}'`: dies after the first commit to `traffic`.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from lakehouse import settings
from lakehouse.paths import Places
from lakehouse.runtime.session import session
from streaming import windows


def main(die_at: str | None, lake: str) -> None:
    """Run the windows query as `--once` does."""
    asked = settings.load(lake=lake, spark_ui_port=0)
    places, failures = Places.of(asked), list[Exception]()
    windows.prepare_tables(places, asked.windows, print)

    def reached(step: str) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    spark = session(asked, "windows")
    run = windows.windows(
        spark, places, asked.windows, lambda report: print(report.line), failures.append
    )
    run.reached = reached
    run.once()
    spark.stop()
    if failures:
        raise failures[0]


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    main(order["die_at"], order["lake"])
