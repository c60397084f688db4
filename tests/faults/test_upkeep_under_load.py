"""Upkeep again and again beside a loaded stream, sometimes killed, takes nothing from anybody."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest
from support import produced
from support.aging import age
from support.lakes import Lake
from support.messages import send
from support.promise import broken
from support.records import message
from support.streams import Once, environment, running, settings, stop, until

from cli.stack.broker import Broker
from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

SECONDS = int(os.environ.get("UPKEEP_SECONDS", "20"))
PERIOD = 10
ROUNDS, KILLS, OLD = SECONDS // PERIOD, 3, 1000
NOISE = re.compile(r"Traceback|ERROR|Exception|error|\bat org\.|upkeep")
VACUUM = ("vacuum", "logs", "--hours", "1")
COMMANDS = [
    ("optimize", "logs"),
    VACUUM,
    ("optimize", "logs", "--zorder", "endpoint,status_code"),
    ("optimize", "traffic"),
    VACUUM,
    ("upkeep",),
]


@dataclass
class Keeper:
    """Runs commands of upkeep as processes; some are killed somewhere in their work."""

    asked: Settings
    chance: random.Random
    killed: int = 0
    took: float = 60
    noted: dict[int, int] = field(default_factory=dict)

    def __call__(self) -> None:
        """All rounds, and at last a vacuum that nobody kills."""
        commands, began = cycle(COMMANDS), time.monotonic()
        for number in range(ROUNDS):
            self._note()
            for _ in range(2):
                self._run(next(commands))
            time.sleep(max(0, began + (number + 1) * PERIOD - time.monotonic()))
        self._run(VACUUM, at_most=0)

    def end(self) -> None:
        """One pass of upkeep that nobody kills: it counts what came late."""
        self._run(("upkeep",), at_most=0)

    def _run(self, words: tuple[str, ...], at_most: int = KILLS) -> None:
        """To its end, or to a random moment of the time that the last one took."""
        command = [sys.executable, "-m", "cli", *words, "--lake", self.asked.lake]
        env, pipe, began = environment(self.asked), subprocess.PIPE, time.monotonic()
        with subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                moment = self.took * self.chance.uniform(0.3, 0.9) if self.killed < at_most else 60
                _, said = process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.kill()
                self.killed += 1
            else:
                self.took = time.monotonic() - began
                assert process.returncode == 0, (words, said)

    def _note(self) -> None:
        """How many rows the newest version has."""
        found = store.open_table(Places.of(self.asked), LOGS)
        self.noted[found.version()] = found.count()


@pytest.fixture
def asked(
    broker: Broker, topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Windows close all the time; upkeep keeps an hour, and counts late rows at each pass."""
    monkeypatch.setenv("LOGPOND_WINDOWS_TRIGGER_SECONDS", "2")
    monkeypatch.setenv("LOGPOND_UPKEEP_HISTORY_HOURS", "1")
    monkeypatch.setenv("LOGPOND_UPKEEP_RECONCILE_EVERY_MINUTES", "0.01")
    return settings(broker.bootstrap, topic.name, tmp_path, ingest_max_offsets=3000)


@pytest.fixture
def worn(asked: Settings, once: Once) -> set[Path]:
    """The files of `logs`, rewritten often an hour ago: one version after another gets too old."""
    old = message(timestamp="2026-05-01T11:00:00Z")
    send(asked.kafka.bootstrap, asked.kafka.topic, [old] * OLD)
    once(asked)
    places = Places.of(asked)
    for _ in range(ROUNDS):
        maintenance.optimize(places, LOGS.name, ["endpoint"])
    age(Lake(places), hours=1 - SECONDS / 3600, step=PERIOD)
    return set(Path(places.table(LOGS)).rglob("*.parquet"))


def unlike(places: Places, noted: dict[int, int]) -> Iterator[str]:
    """Noted versions that have another count now, or none though they are kept."""
    kept = store.oldest_kept(store.open_table(places, LOGS))
    for version, count in noted.items():
        try:
            found = store.open_table(places, LOGS, version)
        except TableError as error:
            if version >= kept:
                yield f"{version}: {error}"
        else:
            rows = found.to_pyarrow_table(columns=["_offset"]).num_rows
            if rows != count:
                yield f"{version}: {rows}, not {count}"


@pytest.mark.timeout(900)
def test_upkeep_under_load_takes_nothing(
    broker: Broker, topic: Topic, tmp_path: Path, once: Once, asked: Settings, worn: set[Path]
) -> None:
    """Merged, ordered, vacuumed, killed: the stream runs, and each record is there once."""
    keeper = Keeper(asked, random.Random(SECONDS), noted=dict.fromkeys(range(1, ROUNDS + 2), OLD))
    backfill = f"{SECONDS * 3}m"
    load = produced.start(
        broker.bootstrap, topic.name, tmp_path / "producer", "--rate", "20", "--backfill", backfill
    )
    with running(asked, "--trigger", "0.5") as stream:
        until(stream, " batch 2 ")
        keeper()
        load.terminate()
        acked = produced.end(load).last["acked"]
        assert stream.poll() is None
        code, said = stop(stream)
    once(asked)
    keeper.end()

    assert (code, NOISE.findall(said), keeper.killed > 0) == (0, [], True), said
    assert any(not file.exists() for file in worn)
    verdict = verify(Places.of(asked))
    assert (verdict.ok, verdict.records, verdict.windows_wrong) == (True, OLD + acked, 0), verdict
    assert (verdict.windows_late, verdict.late_rows) == (0, 0)
    assert verdict.windows_checked > 0
    assert list(unlike(Places.of(asked), keeper.noted)) == []
    assert broken(broker.bootstrap, Places.of(asked), topic.name) == []
