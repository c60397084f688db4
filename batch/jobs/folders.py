"""Results of several folders that change together: readers see all of the old, or all of the new.

`out/metrics` is a link to `.latest/metrics`, and `.latest` one to `.runs/<time>-<number>`. A run
writes a folder of its own; the rename of one link then shows all of it at once. The run before is
kept until the next one starts, for whoever still reads it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.store.disk import in_words
from lakehouse.store.lock import alone

RUNS, LATEST = ".runs", ".latest"


@contextmanager
def replaced(folder: Path, parts: Sequence[str], who: str) -> Iterator[Path]:
    """An empty folder; when all is well, `folder` shows its `parts`; else what was there before.

    Raises SettingsError where it cannot be written or something else has the name of a part,
    CheckpointError where another run writes there.
    """
    writable(folder, parts)
    runs = folder / RUNS
    with alone(str(runs), who), in_words(str(folder)):
        _tidy(folder)
        draft = runs / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        draft.mkdir()
        yield draft
        for part in parts:
            _link(folder, part, Path(LATEST) / part)
        _link(folder, LATEST, Path(RUNS) / draft.name)


def writable(folder: Path, parts: Sequence[str]) -> None:
    """SettingsError where a result cannot be there."""
    named = [folder / part for part in parts]
    taken = [one.name for one in named if one.exists() and not one.is_symlink()]
    if taken:
        raise SettingsError(
            f"{folder} holds {taken[0]}, which is no result of this command", "name another folder"
        )
    above = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise SettingsError(f"{folder} cannot be written", "name another folder")


def _link(folder: Path, name: str, to: Path) -> None:
    """Make a link, or turn it: one rename."""
    new = folder / RUNS / f"link-{secrets.token_hex(3)}"
    new.symlink_to(to, target_is_directory=True)
    new.replace(folder / name)


def _tidy(folder: Path) -> None:
    """Delete every run but the latest: older ones, and what a run that was killed had begun."""
    latest = (folder / LATEST).resolve().name
    for left in (folder / RUNS).iterdir():
        if left.is_symlink():
            left.unlink()
        elif left.is_dir() and left.name != latest:
            shutil.rmtree(left)
