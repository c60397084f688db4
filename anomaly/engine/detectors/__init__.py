"""The detectors: a file each. What a module here registers is run, tested and evaluated."""

from __future__ import annotations

import importlib
import pkgutil

from anomaly.engine.detector import METHODS


def discover() -> None:
    """Import every module of this folder; what is imported already is let alone."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")


discover()

__all__ = ["METHODS", "discover"]
