"""One source as a value: its topics, its format, how its keys become fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lakehouse.event.fields import LogEvent
from lakehouse.formats.reading import OnLongText, OnMissingTime, Reading
from lakehouse.formats.wrappers import mixed

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
OFFSET = re.compile(r"[+-]\d\d:\d\d")
Unit = Literal["ns", "us", "ms", "s"]


class _Part(BaseModel):
    """A part of a source: no unknown names, no change after the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Taken(_Part):
    """Which key of a record gives a field, and in which unit where it is a length of time."""

    key: Annotated[str, Field(alias="from", min_length=1)]
    unit: Unit | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"from": given} if isinstance(given, str) else given


class Service(_Part):
    """Where the service of a record comes from: one for all, a key of it, or its topic's name.

    `topic` is a pattern whose first group is the service.
    """

    name: str = ""
    key: Annotated[str, Field(alias="from")] = ""
    topic: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_of_them(self) -> Service:
        if sum(map(bool, (self.name, self.key, self.topic))) != 1:
            raise ValueError('must be a name, {from = "KEY"} or {topic = "(.+)-logs"}')
        if self.topic and compiled(self.topic).groups < 1:
            raise ValueError(f"must have a group, as (.+)-logs has: {self.topic}")
        return self

    def of(self, topic: str) -> str:
        """Returns the service of the records of a topic."""
        found = compiled(self.topic).search(topic) if self.topic else None
        return self.name or (found[1] if found else None) or topic


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Returns a regular expression. Raises ValueError, in words, if it is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None


def _several(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Returns the first parts of pairs that have several second parts, with these."""
    found = dict[str, dict[str, None]]()
    for one, other in pairs:
        found.setdefault(one, {})[other] = None
    return [(one, [*others]) for one, others in found.items() if len(others) > 1]


def _check_missing_time(on_missing_time: OnMissingTime) -> OnMissingTime:
    if on_missing_time == "previous":
        raise ValueError(
            "previous is for files: of a topic, the record before may be in another batch, and "
            'after a restart a record would get another time. Say "broker" or "reject"'
        )
    return on_missing_time


def _check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    for topic in topics:
        if not TOPIC.fullmatch(topic):
            raise ValueError(f"a topic is named by letters, digits, . _ and -: {topic!r}")
    return topics


def _check_pattern(pattern: str) -> str:
    compiled(pattern)
    return pattern


def _check_zone(zone: str) -> str:
    if zone and not OFFSET.fullmatch(zone) and zone not in available_timezones():
        raise ValueError("must be a zone: UTC, Europe/Berlin, +02:00")
    if zone in available_timezones():
        ZoneInfo(zone).utcoffset(None)
    elif zone and timedelta(hours=int(zone[1:3]), minutes=int(zone[4:])) >= timedelta(hours=24):
        raise ValueError("is a day or more from UTC")
    return zone


def _check_fields(named: Mapping[str, Any]) -> Mapping[str, Any]:
    known = LogEvent.__dataclass_fields__
    for name in named:
        if name not in known:
            raise ValueError(f"{name} is no field of an event: {', '.join(known)}")
    return named


class Source(_Part):
    """Records of one kind: the topics that they are in, and how they become events."""

    topics: Annotated[tuple[str, ...], AfterValidator(_check_topics)] = ()
    """The topics to read. None of them, and no pattern: that of the setting kafka.topic."""
    pattern: Annotated[str, AfterValidator(_check_pattern)] = ""
    """Instead of `topics`: all whose whole name it matches, as they are found at a start."""
    format: str = "json"
    """What a record is: `logpond sources` lists the formats."""
    options: dict[str, Any] = {}
    """What this format takes: the pattern of `text`, the separator of `csv`."""
    service: Service | None = None
    """One for all, `{from = "KEY"}`, or out of the name of the topic: `{topic = "(.+)-logs"}`."""
    mapping: Annotated[dict[str, Taken], AfterValidator(_check_fields)] = {}
    """Fields that are under another key: `response_time = {from = "duration", unit = "ns"}`."""
    constants: Annotated[dict[str, str], AfterValidator(_check_fields)] = {}
    """Fields that are the same in all records."""
    zone: Annotated[str, AfterValidator(_check_zone)] = ""
    """The zone of times that say none."""
    on_missing_time: Annotated[OnMissingTime, AfterValidator(_check_missing_time)] = "broker"
    """What a record without a time gets: the broker's, or a refusal. Only files have `previous`."""
    on_long_text: OnLongText = "cut"
    """What a text of more than 64 KiB gets: a cut, or its record a place in quarantine, whole."""
    headers: bool | tuple[str, ...] = True
    """Which headers of a record become attributes, `kafka.header.NAME`: all, none, or a list."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Source:
        if self.topics and self.pattern:
            raise ValueError("has topics and a pattern: give one of them")
        return self

    @model_validator(mode="after")
    def _one_field_a_key(self) -> Source:
        keys = [(taken.key, field) for field, taken in self.mapping.items()]
        if self.service and self.service.key:
            keys.append((self.service.key, "service"))
        twice = [
            *(f"the key {key} gives {' and '.join(of)}" for key, of in _several(keys)),
            *(f"{' and '.join(of)} give {to}" for to, of in _several([(b, a) for a, b in keys])),
        ]
        if twice:
            raise ValueError(f"{'; '.join(twice)}: a key gives one field, and a field has one key")
        return self

    def takes(self, topic: str) -> bool:
        """True if its pattern matches a topic."""
        return bool(self.pattern and compiled(self.pattern).fullmatch(topic))

    def reading(self, name: str, topic: str) -> Reading:
        """Returns how the records of a topic are read; `name` is the source's."""
        mapping = {taken.key: field for field, taken in self.mapping.items()}
        constants = dict(self.constants)
        if self.service and self.service.key:
            mapping[self.service.key] = "service"
        elif self.service:
            constants["service"] = self.service.of(topic)
        units: dict[str, str] = {
            field: taken.unit for field, taken in self.mapping.items() if taken.unit
        }
        options: dict[str, Any] = self.options
        if self.format == mixed.FORMAT.name:
            options, mapping, units = mixed.options(options, mapping, units), {}, {}
        return Reading(
            source=name,
            format=self.format,
            mapping=mapping,
            units=units,
            constants=constants,
            options=options,
            zone=self.zone,
            on_missing_time=self.on_missing_time,
            on_long_text=self.on_long_text,
            headers=self.headers,
        )


@dataclass(frozen=True)
class Sources:
    """All sources of a lake by name, as a file says; `default` is the topic of who names none."""

    by_name: Mapping[str, Source]
    default: str
    file: str

    def topics(self, name: str) -> tuple[str, ...]:
        """Returns the topics that a source names; none if it has a pattern."""
        source = self.by_name[name]
        return source.topics or (() if source.pattern else (self.default,))

    def named(self) -> dict[str, str]:
        """Returns every topic that is named -> the source that names it."""
        return {topic: name for name in self.by_name for topic in self.topics(name)}

    def of(self, topic: str) -> str | None:
        """Returns the source that names a topic, else the first whose pattern matches it."""
        fitting = (name for name, source in self.by_name.items() if source.takes(topic))
        return self.named().get(topic) or next(fitting, None)

    def found(self, existing: Collection[str]) -> dict[str, str]:
        """Returns those of the topics of a Kafka that are read -> their sources."""
        sources = {topic: self.of(topic) for topic in sorted(existing)}
        return {topic: name for topic, name in sources.items() if name}

    def missing(self, existing: Collection[str]) -> dict[str, str]:
        """Returns the topics that are named and that a Kafka does not have -> their sources."""
        return {topic: name for topic, name in self.named().items() if topic not in existing}

    def readings(self, topics: Iterable[str]) -> dict[str, Reading]:
        """Returns how the records of each topic are read, without those of no source."""
        return {topic: how for topic in topics if (how := self.reading(topic))}

    def reading(self, topic: str) -> Reading | None:
        """Returns how the records of a topic are read; None if it is in no source."""
        name = self.of(topic)
        return None if name is None else self.by_name[name].reading(name, topic)
