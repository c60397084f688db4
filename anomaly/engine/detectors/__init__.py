"""The detectors, one file each. What a module here registers is run, tested and evaluated."""

from __future__ import annotations

import importlib
import pkgutil

from anomaly.engine.detector import METHODS


def discover() -> None:
    """Imports every module of this folder, which registers its detectors."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")


discover()

__all__ = ["METHODS", "discover"]
