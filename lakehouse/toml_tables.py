"""Files of TOML whose tables are things of one kind, as sources: read, and every fault named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lakehouse.errors import SettingsError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
HEADING = re.compile(r"\[([^\[\]]+)\]")
At = tuple[str, ...]
T = TypeVar("T", bound=BaseModel)


@dataclass
class TomlTables:
    """The tables of a file, and what is wrong with them; `setting` names the file."""

    file: Path
    setting: str
    text: str = field(init=False)
    tables: dict[str, Any] = field(init=False)
    faults: list[tuple[At, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Reads the file. Raises SettingsError where it is no TOML."""
        self.text = _text(self.file, self.setting)
        self.tables = _parsed(self.file, self.text)

    def read(self, made: Callable[[Mapping[str, Any]], T]) -> dict[str, T]:
        """Returns what tables describe, by name; those that do not fit become faults."""
        found = dict[str, T]()
        for name, table in self.tables.items():
            if not NAME.fullmatch(name):
                self.faults.append(((name,), "a name is small letters, digits, - and _"))
            try:
                found[name] = made(table)
            except ValidationError as error:
                self.faults += [((name, *_keys(one)), _words(one)) for one in error.errors()]
        return found

    def check(self, what: str, remedy: str, more: Iterable[tuple[At, str]] = ()) -> None:
        """Raises SettingsError if there are faults, with the line of each."""
        if listed := self.listed(more):
            raise SettingsError(f"{what}:\n    " + "\n    ".join(listed), remedy)

    def listed(self, more: Iterable[tuple[At, str]] = ()) -> list[str]:
        """Returns the faults in words, each with its file, line and key."""
        lines, faults = self.text.splitlines(), [*self.faults, *more]
        return [f"{self.file}{_line(lines, at)}: {'.'.join(at)}: {why}" for at, why in faults]


def _text(file: Path, setting: str) -> str:
    """Returns what the file holds; Windows may have written it, with a byte order mark."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}, line {line}: this is not UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}", f"{setting} names it") from None


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}") from None


def _keys(fault: ErrorDetails) -> Iterator[str]:
    """Yields where a fault is, as keys of the file."""
    yield from (part for part in fault["loc"] if isinstance(part, str))


def _words(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such key"
    return fault["msg"].removeprefix("Value error, ")


def _line(lines: list[str], at: At) -> str:
    """Returns the line of a key, or else that of its table; nothing if neither is found."""
    found, within = "", At()
    for number, line in enumerate(map(str.strip, lines), 1):
        if heading := HEADING.match(line):
            within = tuple(part.strip(" \"'") for part in heading[1].split("."))
            if within == at[: len(within)]:
                found = f", line {number}"
        elif within and (*within, line.partition("=")[0].strip(" \"'")) == at[: len(within) + 1]:
            return f", line {number}"
    return found
