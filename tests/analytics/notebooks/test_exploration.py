"""The notebook runs on a lake as it is committed, and shows something in every cell."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from support.sites import SITES

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = ROOT / "analytics" / "notebooks" / "exploration.ipynb"


def read() -> Any:
    """The notebook as it is committed."""
    return nbformat.read(NOTEBOOK, as_version=4)


def results_of_jobs(folder: Path) -> Path:
    """Two of the three file jobs have run."""
    results = folder / "results"
    totals = results / "watch-time" / "totals" / "geo_region=europe"
    totals.mkdir(parents=True)
    rows = {"user_id": ["a", "b"], "watch_time_min": [Decimal(60), Decimal(120)]}
    pd.DataFrame(rows).to_parquet(totals / "part.parquet")
    (results / "result.csv").write_text("period,user,metric_1\n2025-01-01 00:00:00,user7,12\n")
    return results


def executed(folder: Path, site: str) -> list[Any]:
    """The cells of code after a run over a lake."""
    lake, notebook = SITES[site](folder), read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGPOND_LAKE", lake.places.lake)
        patch.setenv("LOGPOND_RESULTS", str(results_of_jobs(folder)))
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": ROOT}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_committed_without_outputs() -> None:
    """So that a change of it is a change of what it says."""
    code = [cell for cell in read().cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.slow
def test_every_cell_shows_something(tmp_path: Path) -> None:
    """On a lake with an incident: tables, three figures, two versions, a report; no warning."""
    cells = executed(tmp_path, "shop")
    figures = [out for cell in cells for out in cell.outputs if "image/png" in out.get("data", {})]
    warned = [out.text for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert [cell.source for cell in cells if not cell.outputs] == []
    shown = " ".join(out.data["text/plain"] for out in cells[-3].outputs + cells[-2].outputs)
    assert len(figures) == 3
    assert {"user7", "europe", "3.0"} <= {*shown.split()}
    assert warned == []


def test_jupyter_is_no_part_of_a_run() -> None:
    """No command imports what runs notebooks."""
    code = (
        "import analytics.__main__, sys; sys.exit(bool({'nbformat', 'IPython'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
