"""A wall clock of a program's own, which steps when told to; skipped where no compiler is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "clock.c"


@dataclass(frozen=True)
class Clock:
    """The clock of all programs that start with its `variables`."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Clock:
        """A clock that goes right."""
        clock = cls(folder)
        compiler = shutil.which("cc") or pytest.skip("there is no C compiler here")
        if not clock._library.exists():
            command = [compiler, "-shared", "-fPIC", "-O1", "-o", clock._library, SOURCE, "-ldl"]
            subprocess.run(command, check=True)
        clock.step(0)
        return clock

    def step(self, seconds: int) -> None:
        """Be so many seconds ahead from now on."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment of a program that goes by it."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_FILE": str(self._file)}

    @property
    def _library(self) -> Path:
        return self.folder / "clock.so"

    @property
    def _file(self) -> Path:
        return self.folder / "clock"
