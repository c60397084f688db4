"""The performance of a job: what its phases took, children included."""

import io
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from batch.jobs import performance
from batch.jobs.performance import CPU_INFO, Performance, render_machine, system

WORKS = "import time\nwhile time.process_time() < 0.3: pass"
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
        subprocess.run([sys.executable, "-c", WORKS], check=True)

    assert performance.phases[0].cpu_seconds > 0.25


@pytest.mark.slow
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


def test_operations_are_counted_beside_their_bytes(tmp_path: Path) -> None:
    """A thousand small writes are no single large one."""
    performance = Performance()
    with performance.phase("write"), (tmp_path / "a").open("wb", buffering=0) as file:
        for _ in range(1000):
            file.write(b"x")
    with performance.phase("read"), (tmp_path / "a").open("rb", buffering=0) as file:
        while file.read(1):
            pass

    wrote, read = performance.as_dict()["phases"]
    assert wrote["writes"] >= 1000
    assert read["reads"] >= 1000
    assert performance.total.writes == wrote["writes"] + read["writes"]


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


def test_the_processor_is_named_with_its_frequency() -> None:
    """As the kernel has them; a machine that does not say so is no fault."""
    facts = system()
    known = [line.partition(":")[2].strip() for line in CPU_INFO.read_text().splitlines()]
    assert facts["cpu"] is None or facts["cpu"] in known or facts["cpu"] == platform.processor()
    assert facts["mhz"] is None or 100 < facts["mhz"] < 10_000
    assert (facts["cpu"] or "unknown CPU") in render_machine()


def test_a_system_that_says_nothing_of_its_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """None instead of a stack trace."""
    monkeypatch.setattr(performance, "CPU_INFO", Path("/nowhere"))
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("psutil.cpu_freq", lambda: None)
    assert (system()["cpu"], system()["mhz"]) == (None, None)
    assert "unknown CPU, " in render_machine()
