"""Times of a series, in whatever form its file has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anomaly.series.file import seconds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-05-17T10:05:03Z", 1779012303.0),
        ("2026-05-17 10:05:03", 1779012303.0),
        ("1779012303", 1779012303.0),
        ("1779012303500", 1779012303.5),
        ("1779012303500000", 1779012303.5),
        ("17/May/2026:10:05:03 +0000", 1779012303.0),
        ("40", 40.0),
        ("soon", None),
    ],
)
def test_a_time_is_seconds(text: str, wanted: float | None) -> None:
    """Also an epoch in ms or us; what is no time has none."""
    assert seconds(text) == wanted


def test_a_long_cell_costs_no_row(tmp_path: Path) -> None:
    """In a process that has read no other CSV: the limit is ours, not the 128 KiB of Python."""
    file = tmp_path / "a.csv"
    file.write_text(f"timestamp,value,note\n40,1.5,{'x' * 200_000}\n")
    program = "import sys; from pathlib import Path; from anomaly.series.file import values; "
    program += "print(values(Path(sys.argv[1])))"

    found = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "[1.5]"
