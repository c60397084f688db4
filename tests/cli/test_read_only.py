"""A lake that can only be read answers all that only reads, and says so where it is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.lakes import Lake

pytestmark = pytest.mark.slow

# A mount of our own, seen by the command alone.
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@" --lake "$0"'
READS = [
    ("sql", "SELECT COUNT(*) AS n FROM logs", "--format", "csv"),
    ("verify",),
    ("tables",),
    ("history", "logs"),
    ("upkeep", "--dry-run"),
    ("vacuum", "logs", "--dry-run"),
    ("retain", "logs", "--days", "1", "--dry-run"),
    ("erase", "--user", "nobody", "--dry-run"),
]
BY_SPARK = [
    ("sql", "SELECT COUNT(*) AS n FROM logs", "--engine", "spark", "--format", "csv"),
    ("sql", "DESCRIBE HISTORY logs", "--engine", "spark"),
]
WRITES = [("upkeep",), ("mute", "shop", "--for", "1h"), ("optimize", "logs")]


def in_read_only(lake: Lake, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command does on the lake as a mount that cannot be written."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("no mounts can be made here")
    root = str(Path(lake.places.lake))
    command = ["unshare", "-m", "sh", "-c", MOUNT, root, sys.executable, "-m", "cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [
        *READS,
        *(pytest.param(one, marks=[pytest.mark.spark, pytest.mark.nightly]) for one in BY_SPARK),
    ],
    ids=" ".join,
)
def test_what_only_reads_answers(running: Lake, words: tuple[str, ...]) -> None:
    """As on any other lake, by either engine."""
    done = in_read_only(running, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    if "csv" in words:
        assert done.stdout.split() == ["n", "7"]


@pytest.mark.parametrize("words", WRITES, ids=" ".join)
def test_what_writes_ends_in_words(running: Lake, words: tuple[str, ...]) -> None:
    """That the place cannot be written."""
    done = in_read_only(running, *words)
    assert done.returncode in (2, 4)
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
