"""Imports files until it kills itself at a step; without one, to the end.

`import_child.py '{"die_at": "planned", "lake": ..., "files": [...], "replace": false}'`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from support.records import LIMITS

from batch.imports.load import Loader
from batch.imports.run import Run, Wanted
from lakehouse import settings
from lakehouse.paths import Places
from lakehouse.tables.rollups import WATERMARK


def main(die_at: str, lake: str, files: list[str], replace: bool) -> None:
    """Import as the command does."""

    def reached(step: str) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    loader = Loader(Places.of(settings.load(lake=lake)), LIMITS, reached=reached)
    loader.open()
    run = Run(loader, Wanted(replace=replace))
    for _ in run([Path(file) for file in files]):
        pass
    for _ in run.windows(WATERMARK):
        reached("window")
    run.forget()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
