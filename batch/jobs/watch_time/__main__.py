"""`python -m batch.jobs.watch_time TASK`: phase 1 of one file, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from batch.jobs.watch_time.clean import clean
from batch.jobs.watch_time.options import FileTask
from batch.jobs.watch_time.workspace import Input, Workspace
from lakehouse.errors import LogpondError
from lakehouse.store.disk import in_words
from lakehouse.terminal.render import echo


def main(text: str) -> int:
    """Clean the file; 1, and the reason on standard error, where that fails."""
    task = msgspec.json.decode(text, type=FileTask)
    try:
        with in_words(task.work):
            one = Input.of(Path(task.path), Path(task.root))
            clean(one, Workspace(Path(task.work)), Path(task.regions), task.recipe)
    except (LogpondError, OSError) as error:
        echo(str(error), err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
