"""The file of settings: what it says, and where each value stands in it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from lakehouse.errors import SettingsError

CONF = Path(__file__).resolve().parent.parent / "conf"


def place() -> Path:
    """Where it is."""
    return Path(os.environ.get("LOGPOND_CONF") or CONF / "logpond.toml")


def read() -> dict[str, Any]:
    """What it says; SettingsError for a fault in it.

    Windows may have written it, with a byte order mark and CRLF.
    """
    file = place()
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}, line {line}: this is not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and "LOGPOND_CONF" not in os.environ:
            return {}
        raise SettingsError(f"{file}: {error.strerror}", "LOGPOND_CONF names it") from None


def origin(location: tuple[int | str, ...]) -> str:
    """A setting's name, and where it got its value: the variable, or else the line of the file."""
    names = [str(part) for part in location]
    name, variable = ".".join(names), "_".join(["LOGPOND", *names]).upper()
    if variable in map(str.upper, os.environ):
        return f"{name} ({variable})"
    *section, key = names
    within: list[str] = []
    for number, line in enumerate(_lines(place()), 1):
        if line.startswith("["):
            within = [line.strip("[] ")]
        if within == section and line.partition("=")[0].strip(" \"'") == key:
            return f"{name} ({place()}, line {number})"
    return name


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8-sig").splitlines() if file.is_file() else []
