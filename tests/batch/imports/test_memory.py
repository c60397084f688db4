"""An import needs little memory, whatever a packed file unpacks to below its budgets."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.event.budgets import BUDGETS

MOST = 500 << 20
# The peak of this program alone: what the system counts of a child may be that of its parent.
MEASURED = """
import atexit, runpy, sys
status = "/proc/self/status"
peak = lambda: next(line.split()[1] for line in open(status) if line.startswith("VmHWM"))
atexit.register(lambda: print(peak(), file=sys.stderr))
runpy.run_module("logpond", run_name="__main__")
"""
TIME = "2026-05-01T12:00:00Z"


def large_texts() -> bytes:
    """Records near the budget of one, in one field."""
    return json.dumps({"ts": TIME, "msg": "x" * (BUDGETS.record - 100)}).encode() + b"\n"


def many_keys() -> bytes:
    """Records of as many attributes as one may have."""
    keys = {f"key{n}": n for n in range(BUDGETS.attributes)}
    return json.dumps({"ts": TIME, **keys}).encode() + b"\n"


def long_traces() -> bytes:
    """A record over many lines."""
    return f"{TIME} ERROR shop: failed\n".encode() + b"\tat shop.Cart.add(Cart.java:1)\n" * 990


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    [
        large_texts,
        *(pytest.param(one, marks=pytest.mark.nightly) for one in (many_keys, long_traces)),
    ],
)
def test_a_packed_file_below_both_bounds_takes_little(
    record: Callable[[], bytes], tmp_path: Path
) -> None:
    """Its peak as the system counts it, of a process of its own; every record is a row."""
    one = record()
    count = (BUDGETS.unpacked_at_any_ratio - 1) // len(one)
    file = tmp_path / "a.log.gz"
    file.write_bytes(gzip.compress(one * count))
    words = ["import", str(file), "--no-reconcile", "--format", "json", "--no-raw"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words, "--lake", str(tmp_path / "lake")],
        capture_output=True,
        check=True,
    )
    (row,) = json.loads(done.stdout)

    assert row["logs"] == count
    assert int(done.stderr.split()[-1]) << 10 < MOST
