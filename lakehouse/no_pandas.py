"""Keeps pyarrow from importing pandas, which it does for the first array that is made of a list.

It asks then whether the list is one of pandas'; in our programs none is. That import takes a
quarter of a second and 58 MB, in each command and in each of Spark's workers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

MACHINERY = ("importlib", "_frozen_importlib")
WITH_PANDAS = ("pyspark.", "pandas")


class _Hidden:
    """Finds pandas, and cannot load it. Others may look whether it is there, as polars does."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns None for other modules, and for Spark, which asks for pandas where it needs it.

        pyarrow's own frames cannot be seen: what it imports seems to be imported by its caller.
        """
        if name != "pandas" or _asker().startswith(WITH_PANDAS):
            return None
        return ModuleSpec(name, cls)  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        """Raises ModuleNotFoundError, which pyarrow takes for an answer, once for all."""
        raise ModuleNotFoundError(f"logpond does without {spec.name}", name=spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Is never reached."""


def hide() -> None:
    """For a program of ours as it begins, and for a worker of Spark; a notebook may have pandas."""
    if _Hidden not in sys.meta_path and "pandas" not in sys.modules:
        sys.meta_path.insert(0, _Hidden)


def _asker() -> str:
    """Returns the name of the module that imports one."""
    frame: FrameType | None = sys._getframe(2)
    while frame:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(MACHINERY):
            return name
        frame = frame.f_back
    return ""
