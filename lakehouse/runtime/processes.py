"""Child processes: they outlive neither their work nor us, and say whose they are."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from lakehouse.settings import CONF

PR_SET_PDEATHSIG = 1
STALE_SECONDS = 15.0
LOG_BYTES = 4 << 20
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


def keep(out: IO[bytes], file: Path, most: int = LOG_BYTES) -> threading.Thread:
    """Copy what a child says to a file until its end, in a thread.

    A file that is full becomes `NAME.1` in place of the one before: `2 * most` bytes in all.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"")
    copying = threading.Thread(target=_copy, args=(out, file, most), daemon=True)
    copying.start()
    return copying


def _copy(out: IO[bytes], file: Path, most: int) -> None:
    kept = file.open("ab")
    for line in iter(lambda: out.readline(most), b""):
        # a full disk must not stop the child, which would wait for us
        with suppress(OSError):
            if kept.tell() + len(line) > most:
                kept.close()
                file.replace(f"{file}.1")
                kept = file.open("ab")
            kept.write(line)
            kept.flush()
    kept.close()


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


def write_owner(child: Child, file: Path) -> None:
    """Note which process runs and whose it is."""
    pair = {"child": _identity(child.pid), "owner": _identity(os.getpid())}
    file.write_text(json.dumps(pair))


def owner_of(file: Path) -> int | None:
    """The living process that runs the recorded child; None if there is none.

    A recorded child whose owner is gone is ended first.
    """
    try:
        pair = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    if not _lives(pair["child"]):
        return None
    if _lives(pair["owner"]):
        return int(pair["owner"][0])
    _end_stale(pair["child"])
    return None


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there on this machine, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")


def local(host: str) -> str:
    """An address to listen at, as it stands in a URL that works on this machine."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def last_lines(*files: Path, count: int = 8) -> str:
    """The end of what a child wrote, to be shown when it failed."""
    lines = [line for file in files if file.is_file() for line in _lines(file)]
    return "\n".join(f"    {line}" for line in lines[-count:])


def _end_with_parent() -> Callable[[], None]:
    # between fork and exec nothing may allocate or lock: all is looked up before
    prctl, us = ctypes.CDLL(None).prctl, os.getpid()

    def after_fork() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != us:
            os._exit(1)

    return after_fork


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(errors="replace").splitlines() if line.strip()]


def _identity(pid: int) -> tuple[int, float]:
    import psutil

    return pid, psutil.Process(pid).create_time()


def _lives(identity: Sequence[float]) -> bool:
    import psutil

    pid, created = int(identity[0]), identity[1]
    try:
        process = psutil.Process(pid)
        # a number is used again; the time of birth tells
        return bool(process.create_time() == created and process.status() != "zombie")
    except psutil.NoSuchProcess:
        return False


def _end_stale(identity: Sequence[float]) -> None:
    for ask in (signal.SIGTERM, signal.SIGKILL):
        if _lives(identity):
            os.kill(int(identity[0]), ask)
        until = time.monotonic() + STALE_SECONDS
        while _lives(identity) and time.monotonic() < until:
            time.sleep(0.05)
