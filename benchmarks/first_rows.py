"""`logpond up` from nothing, beside two busy processes: when the first row is there, and the rest.

Seconds from the start of the command, and the CPU seconds that its processes used until then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks.meter import Meter
from lakehouse.paths import Places
from lakehouse.runtime import processes
from lakehouse.settings import load
from lakehouse.store import table_or_none
from lakehouse.tables.catalog import ANOMALIES, LOGS

# As `make demo` does.
DEMO = ("--backfill", "2h", "--rate", "100", "--incident", "error-burst@+20s:3m")
BUSY, MOST_SECONDS, LOOK_SECONDS = 2, 420.0, 0.25
# Fewer records than this wait when a live stream is level.
LEVEL = 1_000


def first_rows(folder: Path, words: tuple[str, ...] = DEMO) -> dict[str, float]:
    """Runs the demo in a new lake until all was seen, or MOST_SECONDS; leaves out what was not."""
    places = Places.of(load(lake=str(folder / "lake")))
    with _busy(), _up(places.lake, words) as (process, said):
        began, meter = time.monotonic(), Meter(process.pid).start()
        found = _watched(_seen(places, said), began, meter)
        meter.close()
    return {**found, "peak_mb": meter.peak_bytes / 2**20}


def _seen(places: Places, said: list[str]) -> dict[str, Callable[[], bool]]:
    """Returns what is waited for, by its name, in the order of its coming."""
    return {
        "kafka_answers": lambda: _is_said(said, "Kafka answers at"),
        "spark_is_there": lambda: _is_said(said, "detection judges"),
        "first_row": lambda: _rows(places) > 0,
        "home_shows_rows": lambda: bool(_home(said).get("newest_event")),
        "home_tells_lag": lambda: _tells_lag(said),
        "caught_up": lambda: _is_level(said),
        "incident_found": lambda: _has_incident(places),
    }


def _watched(
    waited_for: dict[str, Callable[[], bool]], began: float, meter: Meter
) -> dict[str, float]:
    found = dict[str, float]()
    open_ = dict(waited_for)
    while open_ and time.monotonic() - began < MOST_SECONDS:
        for name in [name for name, is_there in open_.items() if is_there()]:
            found[f"{name}_seconds"] = time.monotonic() - began
            found[f"{name}_cpu_seconds"] = meter.usage().total
            del open_[name]
        time.sleep(LOOK_SECONDS)
    return found


def _is_said(said: list[str], text: str) -> bool:
    return any(text in line for line in said)


def _rows(places: Places) -> int:
    table = table_or_none(places, LOGS)
    return int(table.count()) if table else 0


def _has_incident(places: Places) -> bool:
    table = table_or_none(places, ANOMALIES)
    return bool(table and table.count())


def _is_level(said: list[str]) -> bool:
    """Whether live traffic is sent and hardly any record waits, by the last line of figures."""
    figures = [line.split() for line in said if " live " in line and " lag " in line]
    if not figures:
        return False
    lag = figures[-1][figures[-1].index("lag") + 1]
    return lag != "-" and int(lag.replace(",", "")) < LEVEL


def _home(said: list[str]) -> dict[str, Any]:
    """Returns what Home shows; nothing while the page does not answer, or has no rows."""
    address = next((line.split()[1] for line in said if line.startswith("page ")), None)
    with suppress(OSError, ValueError):
        if address:
            with urllib.request.urlopen(f"{address}api/home", timeout=10) as answer:
                home: dict[str, Any] = json.load(answer)
                return home
    return {}


def _tells_lag(said: list[str]) -> bool:
    figures = _home(said).get("figures", [])
    return any(each["name"] == "lag" and each["value"] is not None for each in figures)


@contextmanager
def _busy() -> Iterator[None]:
    """Two processes that do nothing but use CPU, each a session of its own, as others' are."""
    command = [sys.executable, "-c", "while True: pass"]
    null = subprocess.DEVNULL
    busy = [processes.spawn(command, null, null) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@contextmanager
def _up(lake: str, words: tuple[str, ...]) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Yields the running demo and what it has said so far; ends it in a hurry."""
    command = [sys.executable, "-m", "cli", "up", "--lake", lake, *words]
    said = list[str]()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        reading = Thread(target=lambda: said.extend(iter(process.stdout.readline, "")), daemon=True)
        reading.start()
        try:
            yield process, said
        finally:
            process.terminate()
            time.sleep(1)
            process.terminate()
            process.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(first_rows(Path(place)), indent=1))
