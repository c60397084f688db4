"""The performance of a job: what its phases took, children included."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch.jobs.performance import Performance, render_machine, system

HOLDS = "import time; held = b'x' * int(9e7); time.sleep(0.5)"


def test_a_phase_has_its_rows_and_their_rate() -> None:
    """Rows by the seconds of the block."""
    performance = Performance()
    with performance.phase("count") as phase:
        phase.rows = sum(1 for _ in range(100_000))

    told = performance.as_dict()["phases"][0]
    assert told["phase"] == "count"
    assert told["rows_per_second"] == pytest.approx(told["rows"] / told["seconds"])


def test_processor_time_of_children_counts() -> None:
    """A job that lets others work has their time in its own."""
    performance = Performance()
    with performance.phase("child"):
        subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)

    assert performance.phases[0].cpu_seconds > 0.1


def test_memory_of_children_counts() -> None:
    """The peak is of the whole tree of processes."""
    performance = Performance()
    with performance.phase("child"):
        subprocess.run([sys.executable, "-c", HOLDS], check=True)
    with performance.phase("nothing"):
        pass

    held, left = (phase.peak_bytes for phase in performance.phases)
    assert held - left > 80_000_000


def test_bytes_through_system_calls_are_told(tmp_path: Path) -> None:
    """Also where the system holds them in its cache."""
    performance = Performance()
    with performance.phase("copy"):
        (tmp_path / "a").write_bytes(os.urandom(3_000_000))
        (tmp_path / "a").read_bytes()

    phase = performance.phases[0]
    assert phase.written_bytes >= 3_000_000
    assert phase.read_bytes >= 3_000_000


def test_a_phase_that_fails_is_told_too() -> None:
    """The report says where the time went until then."""
    performance = Performance()
    with pytest.raises(ValueError, match="no"), performance.phase("fail"):
        raise ValueError("no")

    assert [phase.name for phase in performance.phases] == ["fail"]


def test_the_table_has_a_line_a_phase_and_the_sum() -> None:
    """For a person."""
    performance, out = Performance(), io.StringIO()
    for name in ("read", "write"):
        with performance.phase(name):
            pass
    performance.show(out)

    assert [line.split()[0] for line in out.getvalue().splitlines()[1:]] == ["read", "write", "in"]


def test_the_machine_is_named_with_the_library_in_use() -> None:
    """Figures mean nothing without them."""
    assert system("polars")["polars"] in render_machine("polars")
