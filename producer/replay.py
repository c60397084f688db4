"""Real logs as records: with their own or shifted times; broken lines unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from lakehouse.event import textfile
from lakehouse.formats.format import Fault
from lakehouse.formats.messages import made
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.records import records
from lakehouse.formats.registry import named
from producer.traffic.clock import micros_of
from producer.traffic.faults import Record

HEAD = 256 << 10
Timed = tuple[int | None, Record]


@dataclass(frozen=True)
class LogFile:
    """A file of any known format, plain or gzip; its events get `service` if they name none.

    What serves requests names itself `web`, or not at all: its events get `service` too.
    """

    path: Path
    service: str

    @cached_property
    def sha256(self) -> str:
        """The hash that identifies the file, and so its events."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def extent(self) -> tuple[int, int] | None:
        """Returns the earliest and the latest time; None where no record has one."""
        times = [at for at, _ in self.records() if at is not None]
        return (min(times), max(times)) if times else None

    def records(self, shift: int = 0) -> Iterator[Timed]:
        """Yields for each record its time, shifted by `shift` microseconds (or None), and message.

        A record that is none of the file's format comes as it is. Shifted events are other events:
        their ids differ from those of the file as it is.
        """
        name = f"{self.sha256}+{shift}" if shift else self.sha256
        make = made(self.reading)
        found = records(textfile.lines(self.path), self.reading)
        for number, record in enumerate(found):
            messages = make(record.original, None)
            if isinstance(messages, Fault):
                yield None, (record.original.split(b" ", 1)[0], record.original)
                continue
            several = messages if isinstance(messages, list) else [messages]
            for item, message in enumerate(several):
                within = f":{item}" if isinstance(messages, list) else ""
                yield self._moved(orjson.loads(message), f"{name}:{number}{within}", shift)

    @cached_property
    def reading(self) -> Reading:
        """How its records are read, by its first lines; a time without a zone is one of UTC."""
        with textfile.opened(self.path) as file, textfile.refused(self.path):
            found = recognise(sample_of(file.read(HEAD).removeprefix(textfile.BOM)))
        if found is None:
            return Reading(format="raw")
        proposal, written = found.proposal, self.path.stat().st_mtime
        before = datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds")
        return Reading(
            format=found.format.name,
            options={**proposal.options, "before": before},
            mapping=dict(proposal.mapping),
            units=dict(proposal.units),
            zone="UTC",
        )

    def _moved(self, message: dict[str, Any], name: str, shift: int) -> Timed:
        """A message with a name, a service, and its time shifted."""
        given = hashlib.sha256(name.encode()).hexdigest()[:32]
        if shift or message.get("event_id") is None:
            message["event_id"] = given
        if named(self.reading.format).service or not message.get("service"):
            message["service"] = self.service
        at = _micros(message.get("timestamp"))
        if at is not None:
            moved = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at + shift)
            message["timestamp"], at = moved, at + shift
        key = str(message.get("ip") or "").encode()
        return at, (key, orjson.dumps(message, option=orjson.OPT_UTC_Z))


def _micros(written: Any) -> int | None:
    """A time of a message in microseconds; None where it has none, or none with a zone."""
    try:
        found = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return micros_of(found.astimezone(UTC)) if found.tzinfo else None


def shift_to(now: int, first: int, last: int, speed: float) -> int:
    """Returns the shift by which no line is sent before its time, and at least one on time.

    As fast as possible (speed 0) the last line ends now; at speed 1 every line is sent on time.
    """
    length = last - first
    ahead = min(length / speed, length) if speed else 0
    return now - last + int(ahead)


def paced(
    timed: Iterator[tuple[int | None, Record]], speed: float, hold: Callable[[float], None]
) -> Iterator[Record]:
    """Yields the records, each after `hold(seconds since the first one)`; speed 0 never holds."""
    first: int | None = None
    for at, record in timed:
        if speed and at is not None:
            first = at if first is None else first
            hold((at - first) / speed / 1e6)
        yield record
