"""What docs/batch.md shows is run as it stands there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "batch.md").read_text()
pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.nightly
def test_the_commands_run_one_after_the_other(tmp_path: Path) -> None:
    """From an empty folder: a lake out of files, its figure, and the result of each job."""
    script = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
    script = script.replace(". .venv", f". {ROOT}/.venv")
    ran = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "errors-by-day.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "results" / "result.csv").read_text().count("\n") > 3
    assert (tmp_path / "results" / "services" / "insights" / "index.html").is_file()
