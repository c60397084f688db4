"""Takes the lease of ingest and one batch, and freezes itself at a step of it.

`python lease_child.py URL SECONDS STEP`; the next process finds what that left.
"""

from __future__ import annotations

import os
import signal
import sys

import click
from support.lakes import Lake

from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.terminal import program
from lakehouse.terminal.render import echo

END, BAD = {0: 5}, {2}


@click.command()
@click.argument("url")
@click.argument("seconds", type=float)
@click.argument("step")
def take(url: str, seconds: float, step: str) -> None:
    """One batch, as ingest takes it."""
    at = Places.at(url)
    with INGEST.alone(Places(at.lake, at.checkpoints, lease_seconds=seconds)) as fenced:

        def reached(now: str) -> None:
            if now == step:
                echo(now)
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGSTOP)
            assert fenced.fence
            fenced.fence.confirm()

        if step == "taken":
            reached("taken")
        Lake(fenced).batch(0, END, BAD, reached=reached)


if __name__ == "__main__":
    program.run(take, "lease_child")
