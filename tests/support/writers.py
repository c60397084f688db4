"""Processes that write to one table at the same time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BEGIN = """
import sys, time
sys.path[:0] = sys.argv[3:]
from support.lakes import events
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS
me, at = int(sys.argv[2].split(":")[0]), float(sys.argv[2].split(":")[1])
places = Places(sys.argv[1], sys.argv[1])
writer = store.Writer(places, LOGS)
time.sleep(max(0, at - time.time()))
"""

APPEND_SAME = (
    _BEGIN
    + """
for n in range(20):
    if writer.append(events([n]), store.Key("app", n)):
        print(n)
"""
)

COMMIT_MANY = (
    _BEGIN
    + """
rows = events(range(300), partition=me)
done = 0
for n in range(300):
    done += writer.append(rows.slice(n, 1), store.Key(f"app-{me}", n))
    if me == 0 and n % 50 == 49:
        while True:
            try:
                store.open_table(places, LOGS).optimize.compact()
                break
            except Exception as error:
                assert "onflict" in str(error) or "ommit" in str(error), error
print(done)
"""
)


def run_at_once(code: str, lake: str, processes: int) -> list[str]:
    """Run the code in several processes, from one moment on; what each printed."""
    at = time.time() + 2.5
    paths = [str(ROOT), str(ROOT / "tests")]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, lake, f"{me}:{at}", *paths],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(processes)
    ]
    answers = [each.communicate() for each in started]
    assert [each.returncode for each in started] == [0] * processes, answers
    return [said for said, _ in answers]
