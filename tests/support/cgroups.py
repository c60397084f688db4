"""A limit of memory for a program and its children: a cgroup, where root may make one."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")
TAKE = "import sys; held = b'x' * (int(sys.argv[1]) << 20)"
JOIN = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


@dataclass(frozen=True)
class Group:
    """A cgroup, of either version."""

    folder: Path
    is_second: bool

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command begins with to run in it."""
        return ("sh", "-c", JOIN, str(self.folder))

    def limit(self, size: int) -> None:
        """What all in it may hold, in bytes."""
        name = "memory.max" if self.is_second else "memory.limit_in_bytes"
        (self.folder / name).write_text(str(size))

    def shrink(self, megabytes: int) -> None:
        """Leave no room, and have a small program take so much more: the kernel ends the largest.

        The first version refuses a limit below what is held: so the limit is what is held, of which
        no file can be dropped, and as little above it as is accepted.
        """
        name, key = ("anon", "anon") if self.is_second else ("rss", "total_rss")
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        held = int(stat.get(key, stat[name]))
        above = next(room for room in range(0, 1024, 32) if self._accepts(held + (room << 20)))
        taking = [*self.prefix, sys.executable, "-c", TAKE, str(above + megabytes)]
        subprocess.run(taking, check=False, timeout=120)

    def _accepts(self, size: int) -> bool:
        with suppress(OSError):
            self.limit(size)
            return True
        return False

    def killed(self) -> int:
        """How many processes the kernel killed for want of memory."""
        name = "memory.events" if self.is_second else "memory.oom_control"
        lines = (self.folder / name).read_text().splitlines()
        return int(dict(line.split() for line in lines).get("oom_kill", 0))


@contextmanager
def memory_limit(megabytes: int) -> Iterator[Group]:
    """A new group; a test is skipped where none may be made. What runs in it may stay."""
    is_second = (ROOT / "cgroup.controllers").exists()
    parent = ROOT if is_second else ROOT / "memory"
    group = Group(parent / f"logpond-{uuid.uuid4().hex[:8]}", is_second)
    try:
        group.folder.mkdir()
        group.limit(megabytes << 20)
    except OSError as error:
        pytest.skip(f"no memory limit can be set here: {error}")
    try:
        yield group
    finally:
        home = (group.folder.parent / "cgroup.procs").resolve()
        for process in (group.folder / "cgroup.procs").read_text().split():
            with suppress(OSError):
                home.write_text(process)
        with suppress(OSError):
            group.folder.rmdir()
