"""Judges what came late or from files: `logpond analyze`, as a process of its own.

Rooms do not import detection, and its memory is its own. What a crash before or within it leaves
unjudged, the next `analyze` judges.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from lakehouse.paths import Places
from lakehouse.runtime.processes import importable, spawn


def judge(places: Places, say: Callable[[str], None]) -> bool:
    """Has the history of a lake judged. Returns whether it was; what is said goes to `say`.

    On a terminal the progress is shown there.
    """
    command = [sys.executable, "-m", "cli", "analyze", "--summary", "--lake", places.lake]
    environment = {**importable(), "LOGPOND_CHECKPOINTS": places.checkpoints}
    err = sys.stderr.fileno() if sys.stderr.isatty() else subprocess.STDOUT
    child = spawn(command, subprocess.PIPE, err, environment)
    for line in child.stdout or ():
        say(line.decode(errors="replace").rstrip())
    return child.wait() == 0
