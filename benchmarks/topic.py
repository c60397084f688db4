"""A topic filled with the producer's own traffic, as fast as it goes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection

TUNED = {"retention.ms": "-1", "retention.bytes": "-1"}


def fill(bootstrap: str, topic: str, events: int, folder: Path) -> dict[str, float]:
    """Send at least `events` records to a new topic; the producer's events/s and CPU seconds."""
    kafka.create(Connection(bootstrap), topic, 4, TUNED)
    began, sent, cpu = time.monotonic(), 0, 0.0
    words = [sys.executable, "-m", "producer", "--bootstrap", bootstrap, "--topic", topic]
    words += ["--rate", "0", "--seed", "7", "--duration", "1h", "--format", "json"]
    words += ["--malformed", "0", "--lake", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sent = json.loads(line)["acked"]
            if sent >= events:
                cpu = _cpu(process.pid)
                break
        seconds = time.monotonic() - began
        process.terminate()
        process.communicate()
    return {
        "events": sent,
        "events_per_second": sent / seconds,
        "cpu_us_per_event": cpu / sent * 1e6,
    }


def _cpu(pid: int) -> float:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
