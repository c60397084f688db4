"""The pages as a person sees them, on a day of two million rows in very many commits.

`logpond web` runs as its own process; each figure is the median of some requests over HTTP, and
first paints are those of Debian's Chromium. Nothing was merged: every commit is a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import httpx
import psutil

from benchmarks.sql import LIMITS, brought, fill, raw
from lakehouse.decode import decode
from lakehouse.paths import Places
from lakehouse.runtime.processes import free_port
from lakehouse.store import Key, Writer
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close
from lakehouse.windows.definition import prepare
from producer.traffic.faults import Shares
from producer.traffic.traffic import Traffic

ROWS, TIMES = 2_000_000, 5
LATE = timedelta(seconds=30)
BROWSER = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
VIEWS = {
    "home": "/",
    "home_24h": "/?hours=24",
    "home_as_of": "/?as_of=-1s",
    "explore": "/explore",
    "explore_all": "/explore?last=all",
    "explore_errors": "/explore?last=all&status=5xx",
    "explore_service": "/explore?last=all&service=media&bot=no",
    "explore_text": "/explore?last=all&q=iphone",
    "explore_as_of": "/explore?as_of=-1s&last=6h",
}
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def web(folder: Path, commits: int, tail_seconds: int = 60) -> dict[str, float]:
    """Seconds of each view, first paints, and memory at the end and under live tail."""
    places = filled(folder / "pages", commits)
    figures: dict[str, float] = {"commits": commits, "rows": ROWS}
    with served(places.lake) as (server, at), httpx.Client(base_url=at, timeout=60) as client:
        for name, path in VIEWS.items():
            seconds, cpu = _median(client, path, server)
            figures |= {f"{name}_seconds": seconds, f"{name}_cpu_seconds": cpu}
        figures |= _painted(at)
        figures["memory_mb"] = _memory(server)
        figures |= _tailed(places, server, at, tail_seconds)
    return figures


def filled(lake: Path, commits: int) -> Places:
    """A day of events, its minutes closed hour by hour."""
    places = Places.at(str(lake))
    fill(places, commits, ROWS)
    prepare(places, MINUTES, LATE)
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    for hours in range(23, -1, -1):
        list(close(places, MINUTES, end - timedelta(hours=hours)))
    return places


@contextmanager
def served(lake: str) -> Iterator[tuple[psutil.Process, str]]:
    """`logpond web` over a lake, once it is ready; its process and its address."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "web", "--lake", lake, "--port", str(port)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    at = f"http://127.0.0.1:{port}"
    try:
        _until_ready(at)
        yield psutil.Process(child.pid), at
    finally:
        child.terminate()
        child.wait(20)


def _until_ready(at: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{at}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{at} is not ready")


def _median(client: httpx.Client, path: str, server: psutil.Process) -> tuple[float, float]:
    """Seconds of a request, and of the server's processor time for it."""
    taken, used = [], []
    for _ in range(TIMES):
        began, before = time.monotonic(), server.cpu_times()
        client.get(path).raise_for_status()
        after = server.cpu_times()
        taken.append(time.monotonic() - began)
        used.append(after.user + after.system - before.user - before.system)
    return sorted(taken)[TIMES // 2], sorted(used)[TIMES // 2]


def _painted(at: str) -> dict[str, float]:
    """First paints in a browser, where there is one."""
    if not os.access(BROWSER, os.X_OK):
        return {}
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=[*FLAGS])
        page = browser.new_page()
        for name in ("home", "explore", "explore_all"):
            times = []
            for _ in range(TIMES):
                page.goto(f"{at}{VIEWS[name]}", wait_until="load")
                times.append(_paint(page) / 1000)
            found[f"{name}_first_paint_seconds"] = sorted(times)[TIMES // 2]
        browser.close()
    return found


def _paint(page: Any) -> float:
    """Milliseconds until something was seen; asked again and again, for pages let nobody wait."""
    while (painted := page.evaluate(PAINTED)) is None:
        time.sleep(0.02)
    return float(painted)


def _memory(server: psutil.Process) -> float:
    return float(server.memory_full_info().pss) / 1e6


def _tailed(places: Places, server: psutil.Process, at: str, seconds: int) -> dict[str, float]:
    """Memory while two browsers follow a commit a second; how much it grew in the second half."""
    stop = threading.Event()
    follow = [
        threading.Thread(target=_follow, args=(f"{at}{path}", stop), daemon=True)
        for path in ("/explore/tail", "/live")
    ]
    for thread in follow:
        thread.start()
    seen = []
    writer, rows = Writer(places, LOGS), _rows()
    for commit in range(seconds):
        writer.append(rows, Key("tail/logs", commit))
        time.sleep(1)
        seen.append(_memory(server))
    stop.set()
    half = seen[len(seen) // 2]
    return {"tail_memory_mb": max(seen), "tail_grew_mb": seen[-1] - half}


def _follow(address: str, stop: threading.Event) -> None:
    # the server ends first
    with suppress(httpx.TransportError), httpx.stream("GET", address, timeout=30) as events:
        for _ in events.iter_lines():
            if stop.is_set():
                return


def _rows(count: int = 100) -> object:
    now = int(datetime.now(UTC).timestamp() * 1e6)
    values = Traffic(8, now, 100, Shares(0, 0, 0)).tick(now, now + 10**6, count)
    events = decode(raw([value for _, value in values], 0, datetime.now(UTC)), LIMITS).events
    return brought(events, datetime.now(UTC), 0)


@click.command()
@click.argument("folder", type=Path)
@click.option("--commits", default=5000)
@click.option("--seconds", default=60, help="Of live tail.")
def main(folder: Path, commits: int, seconds: int) -> None:
    """These figures alone, for a lake in a folder of its own."""
    click.echo(json.dumps(web(folder, commits, seconds), indent=2))


if __name__ == "__main__":
    main()
