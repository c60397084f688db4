"""logpond's ingest as a child process, its batches read from its own output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.meter import Meter, Usage

LINE = re.compile(r"batch (\d+)\s+([\d,]+) rows .* ([\d.]+) s$")


@dataclass(frozen=True)
class Batch:
    """A completed micro-batch, with what its processes had used by then."""

    rows: int
    seconds: float
    at: float
    usage: Usage


class Ingest:
    """A running `python -m streaming`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.meter = process, Meter(process.pid).start()
        self.spark_ui = ""

    def batches(self) -> Iterator[Batch]:
        """Batches as they complete, until the program ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "Spark UI: " in line:
                self.spark_ui = line.split("Spark UI: ")[1].strip()
            found = LINE.search(line)
            if found:
                rows = int(found[2].replace(",", ""))
                yield Batch(rows, float(found[3]), time.time(), self.meter.usage())


@contextmanager
def ingest(
    bootstrap: str, topic: str, lake: str, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[Ingest]:
    """Run the streaming program on a topic and a lake; it is stopped at the end."""
    command = [sys.executable, "-m", "streaming", "--bootstrap", bootstrap, "--topic", topic]
    given = {**os.environ, "LOGPOND_SPARK_UI_PORT": "4050", **(environment or {})}
    with subprocess.Popen(
        [*command, "--lake", lake, *words], stdout=subprocess.PIPE, text=True, env=given
    ) as process:
        running = Ingest(process)
        try:
            yield running
        finally:
            process.terminate()
            process.communicate()
            running.meter.close()
