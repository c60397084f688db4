"""The command `report`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events
from support.windows import Pond, at, logged

from analytics.commands.report import report
from analytics.reports import REPORTS


def shown(lake: Lake, *words: str) -> Result:
    """The command on a lake."""
    return CliRunner().invoke(report, [*words, "--lake", lake.places.lake])


def test_without_a_name_all_are_listed(lake: Lake) -> None:
    """With what each shows; no lake is needed."""
    found = json.loads(shown(lake, "--format", "json").stdout)
    assert [one["report"] for one in found] == [*REPORTS]


def test_rows_go_to_stdout_and_the_title_beside_them(lake: Lake) -> None:
    """A program can read what a person is shown."""
    lake.put(events(range(3), status_code=500))
    words = ("top-errors", "--since", "2026-01-01", "--format", "csv")
    assert shown(lake, *words).stdout.splitlines()[1].startswith("shop,/api/items/{id},500,3,")
    assert shown(lake, "top-errors").stderr.startswith("Errors by endpoint")


def test_since_is_a_span_back_from_now(lake: Lake) -> None:
    """What happened before it is left out."""
    lake.put(events(range(3)))
    spans = [
        shown(lake, "status-codes", "--since", span, "--format", "json").stdout
        for span in ("24h", "5000w")
    ]
    assert [len(json.loads(found)) for found in spans] == [0, 1]


def test_a_report_as_of_a_version_that_is_gone_by(lake: Lake) -> None:
    """It reads the tables as they were."""
    lake.put(events(range(3)))
    found = shown(lake, "status-codes", "--as-of", "2100-01-01", "--format", "json").stdout
    assert json.loads(found)[0]["requests"] == 3


def test_hostile_text_stays_text(lake: Lake) -> None:
    """What a log line says reaches a terminal as escapes."""
    lake.put(events([1], endpoint="\x1b[2J\u202epwned", status_code=404))
    found = shown(lake, "top-errors").stdout
    assert "\\x1b[2J\\u202epwned" in found
    assert not {"\x1b", "\u202e"} & {*found}


@pytest.mark.slow
def test_no_jvm_is_started(lake: Lake) -> None:
    """Nor is pyspark imported."""
    lake.put(events([0]))
    code = (
        "import sys; from analytics.commands.report import report as r;"
        f"r(['slowest', '--lake', {lake.places.lake!r}], standalone_mode=False);"
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.slow
def test_a_figure_is_drawn_where_a_report_has_one(lake: Lake, tmp_path: Path) -> None:
    """As PNG, beside the rows; another report says which ones have."""
    Pond(lake).arrive(logged([at(1)], status_code=500))
    Pond(lake).close_by_now()
    file = tmp_path / "errors.png"
    drawn = shown(lake, "endpoint-daily", "--png", str(file), "--format", "json")
    assert json.loads(drawn.stdout)[0]["errors"] == 1
    assert file.read_bytes().startswith(b"\x89PNG")
    assert "draws endpoint-daily" in str(shown(lake, "hourly", "--png", str(file)).exception)
