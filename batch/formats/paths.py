"""Which files a person means by paths, folders and globs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.event.textfile import Found

# As for Spark and Hive: `.part.crc` and `_SUCCESS` are no data. Named by themselves they are read.
HIDDEN = (".", "_")
MAGIC = frozenset("*?[")


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """Returns the files of paths, each once: a file, all below a folder, or those of a glob.

    A link that is given as a path is followed. Below a folder or a glob links are left out, and so
    are pipes and devices; in folders also names that begin with `.` or `_`. Raises SettingsError
    where a path gives no file.
    """
    return list(dict.fromkeys(file for path in paths for file in _behind(Path(path))))


def _behind(path: Path) -> list[Path]:
    if path.exists():
        root = _without_links(path)
        files = [*_below(root)] if root.is_dir() else [root]
    else:
        files = [
            file for one in _globbed(path) for file in (_below(one) if one.is_dir() else [one])
        ]
    if not files:
        state = "holds no file" if path.is_dir() else "is not there"
        raise SettingsError(f"{path} {state}", "give a file, a folder or a glob: 'logs/*.csv.gz'")
    if not all(file.is_file() for file in files):
        raise SettingsError(f"{path} is no regular file", "write what comes out of it to a file")
    return [Found(file) for file in files]


def _globbed(path: Path) -> list[Path]:
    """Finds what a glob matches, without links below the folder before its first `*`."""
    fixed = [*takewhile(lambda part: not MAGIC & {*part}, path.parts)]
    if len(fixed) == len(path.parts) or not Path(*fixed).is_dir():
        return []
    root = _without_links(Path(*fixed))
    found = sorted(root.glob(str(Path(*path.parts[len(fixed) :]))))
    return [one for one in found if not _is_behind_link(root, one) and _is_data(one)]


def _is_data(path: Path) -> bool:
    return path.is_dir() or path.is_file()


def _without_links(path: Path) -> Path:
    """Returns the path as it is where no part of it is a link; otherwise resolved."""
    whole = path.resolve()
    return path if whole == path.absolute() else whole


def _is_behind_link(root: Path, path: Path) -> bool:
    between = (root.joinpath(*parts) for parts in _prefixes(path.relative_to(root).parts))
    return any(each.is_symlink() for each in between)


def _prefixes(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (parts[: at + 1] for at in range(len(parts)))


def _below(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        is_hidden = any(part.startswith(HIDDEN) for part in inside)
        if file.is_file() and not is_hidden and not _is_behind_link(folder, file):
            yield file
