"""Builders: a small disk of its own, and what fills it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = 4096


@dataclass(frozen=True)
class Disk:
    """A disk that ends soon; on it pages of 4 kB are what a file takes."""

    root: Path

    def fill(self, left: int = 0) -> None:
        """Take all room but so many pages."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while ballast.write(bytes(PAGE)) == PAGE:
                    pass
            except OSError:
                pass
        os.truncate(self._ballast, self._ballast.stat().st_size // PAGE * PAGE - left * PAGE)

    def make_room(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.root / "ballast"


@contextmanager
def small_disk(root: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of some megabytes, in memory; a test is skipped where none may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(root)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk: {done.stderr.strip()}")
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)
