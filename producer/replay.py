"""Real access logs as records: their own times or shifted ones, and broken lines as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from lakehouse.event import access_log, message, textfile
from producer.traffic.clock import micros_of
from producer.traffic.faults import Record


@dataclass(frozen=True)
class AccessLog:
    """A file of access log lines, plain or gzip; its `service` is the one given."""

    path: Path
    service: str

    @cached_property
    def sha256(self) -> str:
        """The hash that names the file, hence its events."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def extent(self) -> tuple[int, int] | None:
        """The earliest and the latest time in it; None where no line parses."""
        events = (access_log.parse(line, self.service, "-") for line in textfile.lines(self.path))
        times = [micros_of(event.timestamp) for event in events if event]
        return (min(times), max(times)) if times else None

    def records(self, shift: int = 0) -> Iterator[tuple[int | None, Record]]:
        """Each line's time, moved by `shift` microseconds, and record; None where it has none.

        Shifted events are other events: their names differ from those of the file as it is.
        """
        name = f"{self.sha256}+{shift}" if shift else self.sha256
        for number, line in enumerate(textfile.lines(self.path)):
            event = access_log.parse(line, self.service, access_log.event_id(name, number))
            if event is None:
                yield None, (line.split(b" ", 1)[0], line)
                continue
            moved = replace(event, timestamp=event.timestamp + timedelta(microseconds=shift))
            yield micros_of(moved.timestamp), (message.key(moved), message.dump(moved))


def shift_to(now: int, first: int, last: int, speed: float) -> int:
    """The shift by which no line is sent before its time and the tightest one is sent at it.

    As fast as possible (speed 0) the last line ends now; at speed 1 every line is sent at its time.
    """
    length = last - first
    ahead = min(length / speed, length) if speed else 0
    return now - last + int(ahead)


def paced(
    timed: Iterator[tuple[int | None, Record]], speed: float, hold: Callable[[float], None]
) -> Iterator[Record]:
    """The records, each after `hold(seconds since the first one)`; speed 0 never holds."""
    first: int | None = None
    for at, record in timed:
        if speed and at is not None:
            first = at if first is None else first
            hold((at - first) / speed / 1e6)
        yield record
