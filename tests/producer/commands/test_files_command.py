"""`logpond files`: where it puts them, and what it says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.__main__ import logpond


def test_without_a_folder_metrics_are_where_aggregate_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ./csv_logs; the generator says what it took: rows, seconds, rows a second."""
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(logpond, ["files", "metrics", "--days", "2", "--logs_per_day", "50"])
    assert "2 files made in csv_logs" in made.output
    assert re.search(r"^100 rows in [\d.,]+ s, [\d,]+ rows/s$", made.output, re.MULTILINE)

    summed = CliRunner().invoke(logpond, ["aggregate", "--granularity", "1day"])
    assert summed.exit_code == 0, summed.output
    assert "100 lines of 2 files read" in summed.output
