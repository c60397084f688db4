"""The file of sources, `conf/sources.toml` or a lake's own: read, and every fault of it named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lakehouse.errors import SettingsError
from lakehouse.formats.messages import NOW
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import formats, named
from lakehouse.settings import CONF, Settings
from lakehouse.sources.source import Source, Sources

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
HEADING = re.compile(r"\[([^\[\]]+)\]")


def sources_of(settings: Settings) -> Sources:
    """Returns the sources that the settings name. Raises SettingsError, which lists every fault."""
    file = Path(settings.sources).expanduser() if settings.sources else CONF / "sources.toml"
    text = _text(file)
    tables = _parsed(file, text)
    faults = [*_faults_of_tables(tables)]
    found = dict[str, Source]()
    for name, table in tables.items():
        try:
            found[name] = Source.model_validate(table)
        except ValidationError as error:
            faults += [((name, *_keys(fault)), _words(fault)) for fault in error.errors()]
    sources = Sources(found, settings.kafka.topic, str(file))
    faults += [*_faults_together(sources)]
    if faults:
        lines = text.splitlines()
        listed = [f"{file}{_line(lines, at)}: {'.'.join(at)}: {what}" for at, what in faults]
        raise SettingsError("sources do not fit:\n    " + "\n    ".join(listed), HELP)
    return sources


def _text(file: Path) -> str:
    """Returns what the file holds; Windows may have written it, with a byte order mark."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}, line {line}: this is not UTF-8") from None
    except OSError as error:
        raise SettingsError(
            f"{file}: {error.strerror}", "`sources` or --sources names it"
        ) from None


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}") from None


HELP = "docs/sources.md says what a source is, and `logpond sources` shows those that fit"
At = tuple[str, ...]


def _faults_of_tables(tables: Mapping[str, Any]) -> Iterator[tuple[At, str]]:
    if not tables:
        yield ("[NAME]",), "there is no source in it"
    for name in tables:
        if not NAME.fullmatch(name):
            yield (name,), "a source is named by small letters, digits, - and _"


def _faults_together(sources: Sources) -> Iterator[tuple[At, str]]:
    """What no source can know by itself: formats that there are, and topics that others read."""
    readers = dict[str, str]()
    for name in sources.by_name:
        if fault := _unknown(sources.by_name[name]):
            yield (name, "format"), fault
        elif fault := _unfit(sources.by_name[name].reading(name, "any")):
            yield (name, "options"), fault
        for topic in sources.topics(name):
            if topic in readers:
                yield (name, "topics"), f"{topic} is read by the source {readers[topic]} already"
            readers.setdefault(topic, name)


def _unknown(source: Source) -> str:
    """Returns what is wrong with the format, and with those within it; nothing if all are known."""
    inner = source.options.get("formats", [])
    asked = [source.format, *(inner if isinstance(inner, list) else [])]
    known = sorted(formats())
    wrong = [str(name) for name in asked if name not in known]
    return f"there is no format {', '.join(wrong)}: {', '.join(known)}" if wrong else ""


def _unfit(reading: Reading) -> str:
    """Returns what is wrong with the options of a format; nothing if records can be read by them.

    Some options are only looked at with a record.
    """
    try:
        parse = named(reading.format).parser(reading)
        for record in (b"", b"a,b\t[c] d", b'{"a": "b"}'):
            parse(record, NOW)
    except SettingsError as error:
        return f"{error.what}: {error.remedy}"
    except Exception as error:  # whatever a format does with what it was not made for
        return f"they do not fit the format {reading.format}: {error}"
    if reading.format == "csv" and not reading.options.get("columns"):
        return f"{reading.format} needs the names of its columns: {{columns = ['time', 'level']}}"
    return ""


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
