"""A lake is its owner's, whatever the umask; what a command makes for its user is as usual."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.runtime.processes import free_port

# Spark gives event logs and their folders to the group by itself; nobody gets to them.
BEHIND_A_CLOSED_FOLDER = "spark-events"
FILES = """timestamp,service,endpoint,status_code,ip
2026-05-01T12:00:00Z,shop,/cart,200,10.0.0.1
"""
# What writes to a lake, each in its own way: the stack, files and their names, tokens, mutes.
WORDS = (
    ("up", "--duration", "3s", "--backfill", "40m", "--rate", "100"),
    ("import", "events.csv"),
    ("mute", "shop", "--for", "1h", "--why", "known"),
    ("token", "create", "reader"),
    ("sql", "SELECT COUNT(*) FROM logs", "--engine", "spark"),
    ("upkeep",),
)


def logpond(folder: Path, umask: int, *words: str, **variables: str) -> str:
    """What a command prints, run in a folder by somebody who has this umask."""
    port = str(free_port())
    env = {**os.environ, "LOGPOND_LAKE": "lake", "LOGPOND_WEB_PORT": port, **variables}
    command = [sys.executable, "-m", "cli", *words]
    done = subprocess.run(
        command, cwd=folder, env=env, umask=umask, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def below(root: Path) -> Iterator[tuple[Path, int]]:
    """The root and what lies in it, with what group and others may do there."""
    for place in (root, *root.rglob("*")):
        if not place.is_symlink() and BEHIND_A_CLOSED_FOLDER not in place.parent.parts:
            yield place, place.stat().st_mode


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.broker
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("umask", "access", "folders", "files"),
    [
        (0o000, "owner", 0o700, 0o600),
        (0o077, "owner", 0o700, 0o600),
        (0o000, "group", 0o750, 0o640),
    ],
)
def test_every_file_is_its_owners(
    umask: int, access: str, folders: int, files: int, tmp_path: Path
) -> None:
    """Of all that the programs leave in a lake, and of its checkpoints."""
    (tmp_path / "events.csv").write_text(FILES)
    for words in WORDS:
        logpond(tmp_path, umask, *words, LOGPOND_ACCESS=access)

    found = [*below(tmp_path / "lake")]
    wrong = {
        str(place.relative_to(tmp_path)): oct(mode & 0o777)
        for place, mode in found
        if mode & 0o777 & ~(folders if stat.S_ISDIR(mode) else files)
    }
    assert len(found) > 100
    assert wrong == {}
