"""Where a job writes its answer: under a name of its own, whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lakehouse.errors import SettingsError


@dataclass
class Draft:
    """A result in the making: write to `file`; once it is whole, it is at `path`."""

    file: Path
    path: Path


def free_name(path: Path) -> Path:
    """The path itself, or the first of `name_1.csv`, `name_2.csv`, ... that is not there."""
    return next(name for name in _names(path) if not name.exists())


@contextmanager
def new(path: Path) -> Iterator[Draft]:
    """A draft beside the name, which gets a free name when all is well; else it is removed.

    Two jobs that end at once get two names. Raises SettingsError where it cannot be written.
    """
    with _hidden(path) as hidden:
        draft = Draft(hidden, path)
        yield draft
        draft.path = _claimed(path)
        hidden.replace(draft.path)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A file beside the name, which takes the place of what is there when all is well.

    Raises SettingsError where it cannot be written.
    """
    with _hidden(path) as hidden:
        yield hidden
        hidden.replace(path)


@contextmanager
def _hidden(path: Path) -> Iterator[Path]:
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.touch()
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def _claimed(path: Path) -> Path:
    """A free name, taken by an empty file, so that no other job can have it too."""
    for name in _names(path):
        try:
            name.touch(exist_ok=False)
        except FileExistsError:
            continue
        return name
    raise AssertionError("names do not end")


def _names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in count(1))
