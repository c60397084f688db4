"""Child processes that outlive neither their work nor us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from lakehouse.settings import CONF

PR_SET_PDEATHSIG = 1
Child = subprocess.Popen[bytes]


def spawn(
    command: Sequence[str],
    out: IO[bytes] | int,
    err: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """A child out of reach of the terminal's Ctrl-C, that ends when the calling thread does.

    Its end with ours is Linux's doing; elsewhere `owner_of` ends it at the next start.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        env=environment,
        start_new_session=True,
        preexec_fn=_end_with_parent() if sys.platform == "linux" else None,
    )


def end(child: Child, patience: float = 30.0) -> int:
    """Ask a child to end, then make it; its exit code."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def importable() -> dict[str, str]:
    """An environment in which a child finds the project wherever we stand."""
    paths = [str(CONF.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _end_with_parent() -> Callable[[], None]:
    # between fork and exec nothing may allocate or lock: all is looked up before
    prctl, us = ctypes.CDLL(None).prctl, os.getpid()

    def after_fork() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != us:
            os._exit(1)

    return after_fork
