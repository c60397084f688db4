"""Traffic of the producer through the code of the live jobs, as fast as it goes.

Decode, `logs`, minutes closed half a minute after the newest event, the fold: all but the broker,
and Spark, which only says up to when minutes are over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from anomaly.engine.config import Config
from anomaly.engine.incident import Incident
from anomaly.evaluate.labels import Label, labels_of
from anomaly.lake.detection import Detection, allowed_lateness, prepare_tables
from benchmarks.sql import LIMITS, brought, raw
from lakehouse.decode import decode
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.store import Key, Writer
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close
from lakehouse.windows.horizon import last_closed
from producer.traffic.curve import MICROS
from producer.traffic.faults import Record
from producer.traffic.pace import Pace
from producer.traffic.scenarios import INCIDENTS, Stage
from producer.traffic.traffic import Traffic

MINUTE = 60 * MICROS
FIRST = int(datetime(2026, 5, 4, 6, tzinfo=UTC).timestamp()) * MICROS
# Minutes of a batch, and for how long the last one is over when it ends.
BATCH, BEHIND = 5, 40 * MICROS


@dataclass(frozen=True)
class Show:
    """Minutes of traffic; each incident is its name, its first minute, and how many it lasts."""

    seed: int
    rate: float
    minutes: int
    incidents: tuple[tuple[str, int, int], ...] = ()

    @property
    def start(self) -> int:
        """In microseconds; another hour of the week for each seed."""
        return FIRST + self.seed * 317 * MINUTE

    def pace(self) -> Pace:
        """Its traffic, from the start on."""
        traffic = Traffic(self.seed, self.start, self.rate, earliest=self.start)
        traffic.incidents = [
            INCIDENTS[name](
                Stage(
                    Random(f"{self.seed} {name}"),
                    traffic.decks,
                    self.start + first * MINUTE,
                    self.start + (first + minutes) * MINUTE,
                )
            )
            for name, first, minutes in self.incidents
        ]
        return Pace(traffic, self.rate, self.start, self.start)

    def end(self, minute: int) -> int:
        """When that many minutes are over, and events that make them final are there."""
        return self.start + minute * MINUTE + BEHIND


@dataclass(frozen=True)
class Played:
    """What was staged, and every incident of the lake as it is at the end."""

    labels: list[Label]
    incidents: list[Incident]


def played(show: Show, places: Places, config: Config) -> Played:
    """Play a show into a new lake."""
    prepare_tables(places, Anomaly())
    pace, writer = show.pace(), Writer(places, LOGS)
    detection, found = Detection(places, config), dict[str, Incident]()
    for minute in range(BATCH, show.minutes + 1, BATCH):
        end = show.end(minute)
        newest = _arrive(writer, [*pace.up_to(end)], minute, end)
        for _ in close(
            places, MINUTES, last_closed(newest - allowed_lateness(Anomaly()), MINUTES.window)
        ):
            pass
        found |= {one.incident_id: one for one in (*detection(), *detection.addresses())}
    return Played(labels(pace), list(found.values()))


def _arrive(writer: Writer, records: list[Record], batch: int, end: int) -> datetime:
    """One batch of `logs`; the time of its newest event."""
    when = datetime.fromtimestamp(end / MICROS, UTC)
    events = decode(raw([value for _, value in records], 0, when), LIMITS).events
    writer.append(brought(events, when, batch), Key("staged/logs", batch))
    return max(events["timestamp"].to_pylist(), default=when - timedelta(days=1))


def labels(pace: Pace) -> list[Label]:
    """The truth, as the producer writes it down."""
    lines = [msgspec.json.encode(one.label.line()) for one in pace.traffic.incidents]
    return labels_of(b"\n".join(lines))
