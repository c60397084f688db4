"""Files with blank lines and blanks behind separators, through the command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest


@pytest.mark.slow
def test_blank_lines_and_blanks_cost_no_view(shared_data: Path, tmp_path: Path) -> None:
    """A blank line is a reject of its own; values are what stands between the blanks."""
    (tmp_path / "in").mkdir()
    for name in ("W_blank.csv", "W_spaces.csv"):
        shutil.copy(shared_data / "cases" / "files" / name, tmp_path / "in")
    words = ["watch-time", "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    found = subprocess.run(
        [sys.executable, "-m", "logpond", *words], capture_output=True, text=True, check=False
    )
    totals = ds.dataset(tmp_path / "out" / "totals", format="parquet").to_table().to_pylist()

    assert found.returncode == 0, found.stderr
    assert "W_blank.csv: 4 rows, 0 duplicates, 3 rejects" in found.stdout + found.stderr
    assert "W_spaces.csv: 3 rows, 0 duplicates, 0 rejects" in found.stdout + found.stderr
    assert {(row["user_id"], row["views"], float(row["watch_time_min"])) for row in totals} == {
        ("u", 1, 1.0),
        ("s", 3, 3.0),
    }
