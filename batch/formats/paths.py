"""Which files a person means by paths, folders and globs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lakehouse.errors import SettingsError

# As for Spark and Hive: `.part.crc` and `_SUCCESS` are no data. Named by themselves they are read.
HIDDEN = (".", "_")


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """The files behind paths, each once: a file, all below a folder in order, or those of a glob.

    In folders, names that begin with `.` or `_` are left out. SettingsError where nothing is found.
    """
    return list(dict.fromkeys(file for path in paths for file in _behind(Path(path))))


def _behind(path: Path) -> list[Path]:
    found = [path] if path.exists() else sorted(Path(path.anchor).glob(_pattern(path)))
    files = [file for one in found for file in (_below(one) if one.is_dir() else [one])]
    if not files:
        state = "holds no file" if path.is_dir() else "is not there"
        raise SettingsError(f"{path} {state}", "give a file, a folder or a glob: 'logs/*.csv.gz'")
    return files


def _pattern(path: Path) -> str:
    return str(path.relative_to(path.anchor))


def _below(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith(HIDDEN) for part in inside):
            yield file
