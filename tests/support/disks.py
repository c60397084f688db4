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


@dataclass
class Losing:
    """A disk of its own whose power can be cut: what was not synced is gone then."""

    root: Path
    image: Path

    def cut(self) -> None:
        """Go on with what the kernel had written to the device; a journal is replayed, as always.

        Nothing may write meanwhile.
        """
        survived = self.image.with_suffix(".cut")
        subprocess.run(["cp", "--sparse=always", str(self.image), str(survived)], check=True)
        self.unmount()
        survived.replace(self.image)
        self.mount()

    def mount(self) -> None:
        """Mount it; its journal is written where somebody syncs, not every few seconds."""
        options = ["-o", "loop,commit=300"]
        _done_or_skipped(["mount", *options, str(self.image), str(self.root)])

    def unmount(self) -> None:
        """Unmount it, at once."""
        subprocess.run(["umount", "--lazy", str(self.root)], check=True)


@contextmanager
def losing_disk(root: Path, megabytes: int) -> Iterator[Losing]:
    """An ext4 in a file; a test is skipped where none may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    root.mkdir()
    image = root.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    _done_or_skipped(["mkfs.ext4", "-q", "-F", str(image)])
    disk = Losing(root, image)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()


def _done_or_skipped(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"there is no {command[0]} here")
    if done.returncode:
        pytest.skip(f"no disk: {done.stderr.strip()}")


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
