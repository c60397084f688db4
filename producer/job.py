"""A run of the producer: unsent records first, then a replay, or backfill and live traffic."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from lakehouse.runtime.kafka_connection import Connection
from producer.channel import Channel
from producer.hold import Hold
from producer.progress import Progress, Totals
from producer.publish import PATIENCE_SECONDS
from producer.replay import LogFile, paced, shift_to
from producer.traffic.app_lines import AppLines
from producer.traffic.curve import DAY, MICROS
from producer.traffic.faults import Record, Shares
from producer.traffic.pace import Pace
from producer.traffic.scenarios import INCIDENTS, Incident, Stage
from producer.traffic.traffic import Traffic
from producer.traffic.truth import Truth

ALL_ACKED, UNSENT_KEPT, REFUSED = 0, 6, 7
UNMETERED_BACKFILL = 1000.0
TICK_SECONDS = 0.02
NEVER = 100 * 365 * DAY


@dataclass(frozen=True)
class IncidentSpec:
    """An incident to stage: its name, how long after the first live event, its length [us]."""

    name: str
    after: int
    length: int


@dataclass(frozen=True)
class Synthetic:
    """Synthetic traffic; lengths are in microseconds, `rate` 0 is as fast as possible."""

    seed: int
    rate: float
    backfill: int
    shares: Shares
    incidents: tuple[IncidentSpec, ...]
    labels: Path


@dataclass(frozen=True)
class Replay:
    """A replay of real lines; `speed` 1 is their original speed, 0 as fast as possible."""

    log: LogFile
    to_now: bool
    speed: float


@dataclass(frozen=True)
class Lines:
    """Application lines beside requests: `share` of them for each, to a topic of their own."""

    topic: str
    spool: Path
    share: float


@dataclass(frozen=True)
class Options:
    """All options of a run."""

    connection: Connection
    topic: str
    spool: Path
    duration: int | None
    as_json: bool
    synthetic: Synthetic | None
    replay: Replay | None
    lines: Lines | None = None
    hold: Hold | None = None


class Run:
    """One run, from the connection to the exact totals."""

    def __init__(
        self,
        options: Options,
        stop: threading.Event,
        say: Callable[[str], None],
        notice: Callable[[str], None],
    ) -> None:
        self._options, self._notice = options, notice
        self._progress = Progress(say, options.as_json)
        self._made: dict[str, int] = {}
        self._lines: AppLines | None = None
        topics = [(options.topic, options.spool)]
        topics += [(options.lines.topic, options.lines.spool)] if options.lines else []
        self._channels = [
            Channel(options.connection, topic, folder, stop, notice, self._beat)
            for topic, folder in topics
        ]
        self._out = self._channels[0].out

    def __call__(self) -> int:
        """Sends everything; returns the exit code: 0 all acked, 6 unsent kept, 7 some refused."""
        for channel in self._channels:
            if not self._options.as_json:
                self._notice(f"sending to {channel.topic} at {self._options.connection}")
            channel.check()
        try:
            self._resend()
            self._replay(self._options.replay)
            self._synthesize(self._options.synthetic)
        finally:
            for channel in self._channels:
                channel.close()
            code = self._finish()
        return code

    def _resend(self) -> None:
        self._progress.phase = "resend"
        for channel in self._channels:
            channel.resend()

    def _replay(self, asked: Replay | None) -> None:
        if asked is None or self._is_halted:
            return
        self._progress.phase, began = "replay", time.monotonic()
        if self._options.duration and not self._options.synthetic:
            self._until(began + self._options.duration / MICROS)
        extent = asked.log.extent() if asked.to_now else None
        shift = shift_to(_clock(), *extent, asked.speed) if extent else 0

        def hold(seconds: float) -> None:
            while (rest := began + seconds - time.monotonic()) > 0 and not self._is_halted:
                self._out.pump(min(rest, 0.1))

        self._out.send(paced(asked.log.records(shift), asked.speed, hold))

    def _synthesize(self, asked: Synthetic | None) -> None:
        if asked is None or self._is_halted:
            return
        now, rate = _clock(), asked.rate or UNMETERED_BACKFILL
        start = now - asked.backfill
        opened = start if asked.backfill else 0
        traffic = Traffic(asked.seed, start, asked.rate, asked.shares, opened)
        pace = Pace(traffic, rate, start, now)
        self._made, self._progress.phase = traffic.made, "backfill"
        if self._options.lines:
            share = self._options.lines.share
            self._lines = AppLines(asked.seed, share, lambda: traffic.incidents)
        if asked.backfill:
            self._send(pace, self._limited(pace.backfill(_clock)))
        if not self._is_halted:
            self._live(asked, pace)

    def _limited(self, requests: Iterator[Record]) -> Iterator[Record]:
        """Yields the requests, as fast as ingest is to take them."""
        if not (hold := self._options.hold):
            return requests
        out = self._out
        return hold(requests, lambda: out.waiting, out.pump, lambda: self._is_halted, self._notice)

    def _live(self, asked: Synthetic, pace: Pace) -> None:
        self._progress.phase = "live"
        began = pace.at = max(pace.at, _clock() - MICROS)
        end = began + (self._options.duration or NEVER)
        self._until(time.monotonic() + (end - began) / MICROS + PATIENCE_SECONDS)
        pace.traffic.incidents = staged(asked, pace.traffic, began)
        truth = Truth(asked.labels, [incident.label for incident in pace.traffic.incidents])
        while pace.at < end and not self._is_halted:
            now = min(_clock(), end)
            self._send(pace, pace.live(now) if asked.rate else pace.unmetered(now))
            truth.close(pace.at)
            self._out.pump(TICK_SECONDS if asked.rate else 0)
        truth.close(pace.at, stopped=True)

    def _send(self, pace: Pace, requests: Iterator[Record]) -> None:
        """Sends requests, and beside them the lines that go with them, in the order of time."""
        if self._lines is None:
            self._out.send(requests)
            return
        self._out.send(self._with_lines(self._lines, pace, requests))

    def _with_lines(
        self, lines: AppLines, pace: Pace, requests: Iterator[Record]
    ) -> Iterator[Record]:
        """Yields the requests; the lines go their own way meanwhile."""
        for request in requests:
            yield request
            if more := lines.at_request(pace.at):
                self._channels[1].send(more)

    def _until(self, deadline: float) -> None:
        for channel in self._channels:
            channel.out.deadline = deadline

    @property
    def _is_halted(self) -> bool:
        """Whether nothing more should be sent."""
        return any(channel.out.halted for channel in self._channels)

    def _beat(self) -> None:
        for channel in self._channels[1:]:
            channel.out.poll()
        self._progress.beat(self._totals())

    def _totals(self) -> Totals:
        return Totals([channel.out for channel in self._channels])

    def _finish(self) -> int:
        """Keeps on disk what was not acked, then prints the totals.

        Raises AccessError where Kafka refused the sender.
        """
        files: dict[str, Path] = {}
        for channel in self._channels:
            files = {**channel.keep(), **files}
        refusal = next((c.out.refusal for c in self._channels if c.out.refusal), None)
        broken = next((channel.out.broken for channel in self._channels if channel.out.broken), "")
        if broken and not refusal:
            self._notice(f"Kafka at {self._options.connection} stopped the producer: {broken}")
        seed = {"seed": self._options.synthetic.seed} if self._options.synthetic else {}
        lines = {"app_lines": self._lines.made} if self._lines else {}
        paths = {name: str(path) for name, path in files.items()}
        unsent = sum(len(channel.out.unsent) for channel in self._channels)
        self._progress.done(self._totals(), unsent, {**seed, **self._made, **lines, **paths})
        if refusal:
            raise refusal
        return UNSENT_KEPT if "kept" in files else REFUSED if "refused" in files else ALL_ACKED


def staged(asked: Synthetic, traffic: Traffic, began: int) -> list[Incident]:
    """Returns the incidents to stage, counted from `began`; the same for the same seed."""
    return [
        INCIDENTS[spec.name](
            Stage(
                Random(f"incident {asked.seed} {place}"),
                traffic.decks,
                began + spec.after,
                began + spec.after + spec.length,
            )
        )
        for place, spec in enumerate(asked.incidents)
    ]


def _clock() -> int:
    return time.time_ns() // 1000
