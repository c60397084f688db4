"""The file of settings, and the variables: what they say, and where each value stands."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import EnvSettingsSource

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


class Variables(EnvSettingsSource):
    """The environment. What is more than a word is JSON there, or written as in the file."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        """Reads such a value; SettingsError where it is neither."""
        for read_as in (json.loads, _inline):
            try:
                return read_as(value)
            except (ValueError, RecursionError):
                continue
        name = self._variable(field_name, value)
        if name.lower() == f"{self.env_prefix}{field_name}".lower():
            way = f"it is a section: give each of its settings by itself, as {name}_<NAME>"
        else:
            way = 'give it as JSON: {"debug": 7}, or as in the file: {debug = 7}'
        raise SettingsError(f"{name} cannot be read", way)

    def _variable(self, field_name: str, value: str) -> str:
        names = (name for name in os.environ if name.lower().endswith(field_name.lower()))
        return next((name for name in names if os.environ[name] == value), field_name)


def _inline(text: str) -> Any:
    """A value as TOML has it behind `=`."""
    found = tomllib.loads(f"value = {text}")
    if [*found] != ["value"]:
        raise ValueError("more than a value")
    return found["value"]


def origin(location: tuple[int | str, ...]) -> str:
    """A setting's name, and where it got its value: the variable, or else the line of the file."""
    names = [str(part) for part in location]
    name = ".".join(names)
    for count in range(len(names), 0, -1):
        variable = "_".join(["LOGPOND", *names[:count]]).upper()
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
