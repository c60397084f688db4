"""Advice after a loss names what helps: by where rows came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.altered import data_files
from support.importing import Imports, csv_lines, written
from support.lakes import Lake

from lakehouse.errors import TableError
from lakehouse.ingest.remedies import taking_again
from lakehouse.proof.verify import verify


def test_windows_are_counted_again(lake: Lake) -> None:
    """Each by its own command."""
    assert taking_again(lake.places, ["traffic"]) == "`logpond rebuild traffic` for its windows"
    assert "`logpond analyze`" in taking_again(lake.places, ["logs_windowed"])


def test_records_are_taken_from_kafka_again(running: Lake) -> None:
    """Where nothing was imported, nothing is said of it."""
    assert "recover ingest" in taking_again(running.places, ["logs"])
    assert "import" not in taking_again(running.places, ["logs"])


def test_imported_files_are_imported_again(lake: Lake, tmp_path: Path) -> None:
    """Where no topic was ever read, none is asked for; verify says so too."""
    Imports(lake).run(written(tmp_path / "a.csv", csv_lines(5)))
    data_files(lake, "logs")[0].unlink()

    with pytest.raises(TableError) as refused:
        verify(lake.places)
    assert "`logpond import FILE --again`" in refused.value.remedy
    assert "recover ingest" not in refused.value.remedy
