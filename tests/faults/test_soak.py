"""Under load and faults for a long time a stream holds no more than at first, and is as fast."""

from __future__ import annotations

import os
import random
import re
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from support.faults import FAULTS, Fault
from support.pipeline import Pipeline, at_work

pytestmark = [
    pytest.mark.faults,
    pytest.mark.broker,
    pytest.mark.spark,
    pytest.mark.nightly,
]

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
EVERY = max(SECONDS / 15, 20)
# Those that the program lives through.
LIVED = [one for one in FAULTS if one.name.startswith(("broker", "network"))]
BATCH = re.compile(r" batch \d+ .* ([\d.]+) s$", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """What the stream and its children hold at a moment."""

    memory: float
    files: int
    threads: int


def sample(pipeline: Pipeline) -> Sample:
    """Megabytes, open files and threads, of all its processes together."""
    root = psutil.Process(pipeline.processes["stream"].pid)
    memory, files, threads = 0.0, 0, 0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            memory += process.memory_info().rss / 1e6
            files, threads = files + process.num_fds(), threads + process.num_threads()
    return Sample(memory, files, threads)


def work(pipeline: Pipeline, fault: Fault, samples: list[Sample]) -> None:
    """One fault, a check, and quiet work until the next; the samples are of quiet times."""
    until = time.monotonic() + EVERY
    with fault.bring(pipeline):
        time.sleep(min(fault.seconds, EVERY / 3))
    pipeline.catch_up()
    wrong, verdict = pipeline.checked()
    assert (wrong, verdict.ok) == ([], True), verdict
    while time.monotonic() < until:
        time.sleep(1)
    samples.append(sample(pipeline))


def grown(samples: list[Sample], of: Callable[[Sample], float]) -> float:
    """The last third against the second one."""
    third = max(len(samples) // 3, 1)
    first, last = samples[third : 2 * third] or samples[:1], samples[-third:]
    return statistics.median(map(of, last)) / statistics.median(map(of, first))


@pytest.mark.timeout(SECONDS * 3 + 900)
def test_a_long_run_is_flat(tmp_path: Path) -> None:
    """Memory, files, threads and the time of a batch; and no record is lost at any check."""
    chance, samples = random.Random(1), list[Sample]()
    with at_work(tmp_path, LOGPOND_UPKEEP_EVERY_MINUTES="1") as pipeline:
        until, first = time.monotonic() + SECONDS, pipeline.processes["stream"].pid
        while time.monotonic() < until or len(samples) < 3:
            work(pipeline, chance.choice(LIVED), samples)
        took = [float(seconds) for seconds in BATCH.findall(pipeline.log("stream"))]

        assert pipeline.processes["stream"].pid == first, pipeline.log("stream")[-3000:]
        assert max(one.memory for one in samples) < 2000, samples
        assert grown(samples, lambda one: one.memory) < 1.25, samples
        assert grown(samples, lambda one: one.files) < 1.2, samples
        assert grown(samples, lambda one: one.threads) < 1.2, samples
    third = len(took) // 3
    assert statistics.median(took[-third:]) < 2 * statistics.median(took[third : 2 * third]), took
