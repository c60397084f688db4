"""The file of sources, `conf/sources.toml` or a lake's own: read, and every fault of it named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.formats.messages import NOW
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import formats, named
from lakehouse.settings import CONF, Settings
from lakehouse.sources.source import Source, Sources
from lakehouse.toml_tables import At, TomlTables


def sources_of(settings: Settings) -> Sources:
    """Returns the sources that the settings name. Raises SettingsError, which lists every fault."""
    file = Path(settings.sources).expanduser() if settings.sources else CONF / "sources.toml"
    read = TomlTables(file, "`sources` or --sources")
    sources = Sources(read.read(Source.model_validate), settings.kafka.topic, str(file))
    empty = [] if read.tables else [(("[NAME]",), "there is no source in it")]
    read.check("sources do not fit", HELP, [*empty, *_faults_together(sources)])
    return sources


HELP = "docs/sources.md says what a source is, and `logpond sources` shows those that fit"


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
