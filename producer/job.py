"""A run of the producer: what is left over, a replay, earlier event time, then live traffic."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import BinaryIO

from lakehouse.runtime import kafka
from producer import spool
from producer.progress import Progress
from producer.publish import PATIENCE_SECONDS, Publisher
from producer.replay import AccessLog, paced, shift_to
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
    """An incident that was asked for: its name, when after the first live event, how long [us]."""

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
    """A replay of real lines; `speed` 1 is their own pace, 0 as fast as possible."""

    log: AccessLog
    to_now: bool
    speed: float


@dataclass(frozen=True)
class Options:
    """All that a run is asked for."""

    bootstrap: str
    topic: str
    spool: Path
    duration: int | None
    as_json: bool
    synthetic: Synthetic | None
    replay: Replay | None


class Run:
    """One run, from connecting to the exact totals."""

    def __init__(
        self,
        options: Options,
        stop: threading.Event,
        say: Callable[[str], None],
        notice: Callable[[str], None],
    ) -> None:
        self._options, self._notice = options, notice
        self._progress = Progress(say, options.as_json)
        self._out = Publisher(options.bootstrap, options.topic, stop, notice, self._beat)
        self._made: dict[str, int] = {}

    def __call__(self) -> int:
        """Send everything; returns the exit code: 0 all acked, 6 unsent kept, 7 some refused."""
        left = spool.claim(self._options.spool)
        if not self._options.as_json:
            self._notice(f"sending to {self._options.topic} at {self._options.bootstrap}")
        kafka.describe(self._options.bootstrap, self._options.topic)
        unread = spool.records(left)
        try:
            self._resend(unread, left)
            self._replay(self._options.replay)
            self._synthesize(self._options.synthetic)
        finally:
            self._out.close()
            self._out.leave(unread)
            code = self._finish(left)
        return code

    def _resend(self, unread: Iterator[Record], left: list[BinaryIO]) -> None:
        self._progress.phase = "resend"
        self._out.send(unread)
        self._out.drain()
        if not self._out.halted:
            spool.drop(left)

    def _replay(self, asked: Replay | None) -> None:
        if asked is None or self._out.halted:
            return
        self._progress.phase, began = "replay", time.monotonic()
        if self._options.duration and not self._options.synthetic:
            self._out.deadline = began + self._options.duration / MICROS
        extent = asked.log.extent() if asked.to_now else None
        shift = shift_to(_clock(), *extent, asked.speed) if extent else 0

        def hold(seconds: float) -> None:
            while (rest := began + seconds - time.monotonic()) > 0 and not self._out.halted:
                self._out.pump(min(rest, 0.1))

        self._out.send(paced(asked.log.records(shift), asked.speed, hold))

    def _synthesize(self, asked: Synthetic | None) -> None:
        if asked is None or self._out.halted:
            return
        now, rate = _clock(), asked.rate or UNMETERED_BACKFILL
        start = now - asked.backfill
        opened = start if asked.backfill else 0
        traffic = Traffic(asked.seed, start, asked.rate, asked.shares, opened)
        pace = Pace(traffic, rate, start, now)
        self._made, self._progress.phase = traffic.made, "backfill"
        if asked.backfill:
            self._out.send(pace.backfill(_clock))
        if not self._out.halted:
            self._live(asked, pace)

    def _live(self, asked: Synthetic, pace: Pace) -> None:
        self._progress.phase = "live"
        began = pace.at = max(pace.at, _clock() - MICROS)
        end = began + (self._options.duration or NEVER)
        self._out.deadline = time.monotonic() + (end - began) / MICROS + PATIENCE_SECONDS
        pace.traffic.incidents = staged(asked, pace.traffic, began)
        truth = Truth(asked.labels, [incident.label for incident in pace.traffic.incidents])
        while pace.at < end and not self._out.halted:
            now = min(_clock(), end)
            self._out.send(pace.live(now) if asked.rate else pace.unmetered(now))
            truth.close(pace.at)
            self._out.pump(TICK_SECONDS if asked.rate else 0)
        truth.close(pace.at, stopped=True)

    def _beat(self) -> None:
        self._progress.beat(self._out)

    def _finish(self, left: list[BinaryIO]) -> int:
        """Keep on disk what was not acked, then say the totals."""
        out, folder = self._out, self._options.spool
        kept = spool.keep(folder, out.unsent)
        refused = spool.keep(folder, out.refused, spool.REFUSED)
        spool.drop(left)
        if out.broken:
            self._notice(f"Kafka at {self._options.bootstrap} stopped the producer: {out.broken}")
        files = {"kept": kept, "refused": refused}
        seed = {"seed": self._options.synthetic.seed} if self._options.synthetic else {}
        paths = {name: str(path) for name, path in files.items() if path}
        self._progress.done(out, len(out.unsent), {**seed, **self._made, **paths})
        return UNSENT_KEPT if kept else REFUSED if refused else ALL_ACKED


def staged(asked: Synthetic, traffic: Traffic, began: int) -> list[Incident]:
    """The incidents asked for, counted from `began`, the same for the same seed."""
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
