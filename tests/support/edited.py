"""Builders: this project with one file edited, as whoever adds something would edit it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.code import ROOMS, ROOT


@dataclass(frozen=True)
class Edited:
    """A copy of the project in a folder; rooms that were not edited are links."""

    folder: Path

    def run(self, script: str, *words: object) -> Any:
        """What a script prints as JSON, in a process of its own that sees the edited project."""
        path = os.pathsep.join((str(self.folder), str(ROOT / "tests")))
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def edited(folder: Path, file: str, before: str, added: str) -> Edited:
    """The project where `added` stands in `file`, right before the first line that holds `before`.

    Nothing else is touched: what follows from the one edit follows by itself.
    """
    own = Path(file).parts[0]
    shutil.copytree(ROOT / own, folder / own)
    for other in {*ROOMS, "conf"} - {own}:
        (folder / other).symlink_to(ROOT / other)
    text, line = (ROOT / file).read_text(), re.compile(f"^.*{re.escape(before)}", re.MULTILINE)
    found = line.search(text)
    assert found, f"{file} has no line with {before!r}"
    (folder / file).write_text(f"{text[: found.start()]}{added}\n{text[found.start() :]}")
    return Edited(folder)


def edit_only(what: str) -> str:
    """The file that the table of ARCHITECTURE.md tells to edit, to add this."""
    row = re.compile(rf"^\| {re.escape(what)} \|([^|]*)\|", re.MULTILINE)
    found = row.search((ROOT / "ARCHITECTURE.md").read_text())
    assert found, f"ARCHITECTURE.md does not say how to add {what}"
    return re.findall(r"`([\w/]+(?:\.py)?)`", found[1])[0]
