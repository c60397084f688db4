"""Files of views: seeded, with what must be found in them known."""

import json
from pathlib import Path

import pyarrow.csv as pc
import pytest
from click.testing import CliRunner

from producer.commands.files import files


def make(folder: Path, *flags: str) -> dict[str, bytes]:
    """Two files of 100 kB, by name."""
    words = ["watch-time", "--files", "2", "--size", "100kB", "--output-dir", str(folder), *flags]
    done = CliRunner().invoke(files, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return {file.name: file.read_bytes() for file in folder.glob("*.csv")}


@pytest.mark.slow
def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    """Another seed makes others."""
    first, again, other = (
        make(tmp_path / name, "--seed", seed) for name, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    )
    assert (first == again, first == other, len(first)) == (True, False, 2)


def test_the_truth_is_what_the_files_hold(tmp_path: Path) -> None:
    """Rows, and the number of log_ids that are new in all files."""
    made = make(tmp_path)

    truth = json.loads((tmp_path / "_truth.json").read_text())

    tables = [pc.read_csv(tmp_path / name) for name in made]
    ids = [one for table in tables for one in table["log_id"].to_pylist()]
    lost = sum(truth["rejects"].values()) - truth["rejects"]["missing_log_id"]
    assert len(ids) == truth["rows"]
    assert len({*ids} - {None}) == truth["views"] + lost


@pytest.mark.parametrize("size", ["1XB", "0", "-1MB", "MB"])
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: str) -> None:
    """With how it is written."""
    words = ["watch-time", "--size", size, "--output-dir", str(tmp_path)]
    done = CliRunner().invoke(files, words)
    assert (done.exit_code, "1.5GB" in done.output) == (2, True)
