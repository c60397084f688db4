"""Who may read what our programs write: of a lake its owner alone or also its group, else as usual.

The umask says it, for this process and for those that it starts: whatever writes into a lake
(Delta, Parquet, SQLite, DuckDB, Spark's JVM, a broker) asks for no more than the umask leaves.
What a command makes for the person who called it has the rights that this person's umask gives.
"""

from __future__ import annotations

import getpass
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from lakehouse.paths import is_url

Access = Literal["owner", "group"]
# What a new lake withholds: all from everybody else, and writing from the group in any case.
WITHHELD: dict[Access, int] = {"owner": 0o077, "group": 0o027}
OTHERS = stat.S_IRWXO
EVERYBODY = stat.S_IRWXG | stat.S_IRWXO

_umasks: dict[Literal["lake", "user"], int] = {}


def keep(lake: str, access: Access) -> None:
    """From now on, here and in children, write as the lake is kept."""
    _umasks.setdefault("user", current())
    _umasks["lake"] = withheld(lake, access, _umasks["user"])
    os.umask(_umasks["lake"])


def withheld(lake: str, access: Access, users: int) -> int:
    """The umask of a lake.

    One that is there stays as it is: open to all it is written by the user's umask as ever, and
    else its group may what it may now.
    """
    given = modes(Path(lake)) if not is_url(lake) else None
    if given is None:
        return WITHHELD[access] | users & EVERYBODY
    if given & OTHERS:
        return users
    return (EVERYBODY & ~given) | OTHERS


def modes(lake: Path) -> int | None:
    """What group and others may do in a lake; None where none is, or nothing is in it yet.

    An empty folder that somebody made for it may be open though nothing in it will be.
    """
    within = 0
    with suppress(OSError):
        inner = [each for each in os.scandir(lake) if each.is_dir(follow_symlinks=False)]
        for folder in inner:
            within |= folder.stat(follow_symlinks=False).st_mode
        return lake.stat().st_mode & within & EVERYBODY if inner else None
    return None


def reachable(lake: Path) -> int:
    """What group and others may do in a lake, given the folders above it too."""
    given = modes(lake) or 0
    for folder in lake.absolute().parents if given else ():
        above = folder.stat().st_mode
        given &= 0o070 * bool(above & stat.S_IXGRP) | 0o007 * bool(above & stat.S_IXOTH)
    return given


@contextmanager
def as_user() -> Iterator[None]:
    """What is written here belongs to whoever called the command. Also a decorator."""
    with _umask(_umasks.get("user")):
        yield


@contextmanager
def as_lake() -> Iterator[None]:
    """What is written here belongs to the lake, in a command that else writes for its user."""
    with _umask(_umasks.get("lake")):
        yield


@contextmanager
def _umask(wanted: int | None) -> Iterator[None]:
    before = current()
    os.umask(before if wanted is None else wanted)
    try:
        yield
    finally:
        os.umask(before)


def current() -> int:
    """The umask now."""
    now = os.umask(0o077)
    os.umask(now)
    return now


def own_user() -> str:
    """Returns the name of who runs this process; a number where the machine has none for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        return f"uid {os.getuid()}"
