"""The registry of formats: each module of the folders below that has a `FORMAT` adds one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import lakehouse.formats
from lakehouse.errors import SettingsError
from lakehouse.formats.format import Format

FOLDERS = ("lines", "objects", "requests", "schemas", "systems", "tables", "wrappers")


@cache
def formats() -> dict[str, Format]:
    """All of them by name, the most specific first."""
    found = [one for folder in FOLDERS for one in _within(folder)]
    return {one.name: one for one in sorted(found, key=lambda one: (-one.specificity, one.name))}


def named(name: str) -> Format:
    """A format; SettingsError with those that there are where it is none."""
    try:
        return formats()[name]
    except KeyError:
        raise SettingsError(
            f"there is no format {name}", f"formats: {', '.join(sorted(formats()))}"
        ) from None


def _within(folder: str) -> list[Format]:
    path = [f"{root}/{folder}" for root in lakehouse.formats.__path__]
    modules = (
        importlib.import_module(f"lakehouse.formats.{folder}.{found.name}")
        for found in pkgutil.iter_modules(path)
    )
    return [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
