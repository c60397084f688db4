"""Files of ../shared/data/cases that are odd by themselves, through the commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.importing import Imports
from support.lakes import Lake

from anomaly.commands.series import score
from batch.commands.discover import discover
from batch.commands.import_ import import_
from lakehouse.errors import SettingsError
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.proof.verify import verify


@pytest.fixture
def folder(shared_data: Path, tmp_path: Path) -> Path:
    """A folder with a good file, and the same under a name that is no UTF-8."""
    made = tmp_path / "odd"
    subprocess.run(["bash", shared_data / "cases" / "files" / "odd_name.sh", made], check=True)
    with (made / "caf\udce9.log").open("a") as file:
        file.write('192.0.2.8 - - [17/May/2026:10:05:04 +0000] "GET /b HTTP/1.1" 200 5\nbroken\n')
    return made


@pytest.mark.slow
def test_a_name_that_is_no_utf_8_is_taken(lake: Lake, folder: Path) -> None:
    """It is written with escapes, in the lake and to a person or a program, and is in once."""
    words = [str(folder), "--no-reconcile", "--lake", lake.places.lake]
    first = CliRunner().invoke(import_, words)
    again = json.loads(CliRunner().invoke(import_, [*words, "--format", "json"]).stdout)
    paths = [what.path for what in RawZone(lake.places).manifests().values()]

    assert (first.exit_code, [row["done"] for row in again]) == (0, ["unchanged"] * 2)
    assert sorted(Path(path).name for path in paths) == [r"caf\xe9.log", "good.log"]
    assert r"caf\xe9.log" in first.stdout
    assert Imports(lake).ask("SELECT count(*) FROM logs") == [(3,)]
    assert verify(lake.places).ok


def test_a_name_that_is_no_utf_8_is_discovered(lake: Lake, folder: Path) -> None:
    """Its broken line is named by it; SQL opens no such file, which is said in words."""
    found = CliRunner().invoke(discover, [str(folder), "--format", "json"])
    (dataset,) = json.loads(found.stdout)
    words = [str(folder), "--register", "odd", "--lake", lake.places.lake]
    refused = CliRunner().invoke(discover, words)

    assert (dataset["rows"], dataset["broken_rows"], len(dataset["files"])) == (3, 1, 2)
    assert dataset["broken_examples"][0].startswith(r"caf\xe9.log line 3: ")
    assert isinstance(refused.exception, SettingsError)


@pytest.mark.slow
def test_bytes_behind_a_gzip_are_left_out_and_that_is_said(shared_data: Path, lake: Lake) -> None:
    """What is in it is in, and the exit code is that of success."""
    file = shared_data / "cases" / "files" / "D02_garbage.log.gz"
    words = [str(file), "--no-reconcile", "--lake", lake.places.lake]
    found = CliRunner().invoke(import_, words)
    assert found.exit_code == 0
    assert "bytes behind the end of its gzip were left out" in found.stderr
    assert Imports(lake).ask("SELECT count(*), count(DISTINCT _offset) FROM logs") == [(300, 300)]


def test_a_series_in_epoch_ms_is_scored(shared_data: Path) -> None:
    """Each row with its score, by its own time."""
    file = shared_data / "cases" / "files" / "S_epoch_ms.csv"
    found = CliRunner().invoke(score, [str(file)])
    assert found.exit_code == 0
    rows = found.stdout.splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [
        line.split(",")[0] for line in file.read_text().splitlines()[1:]
    ]
