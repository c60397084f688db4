"""Generated days of metrics: seeded, whole, and only what is missing."""

import csv
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from lakehouse.errors import SettingsError
from producer.commands.files import files
from producer.datasets import make
from producer.datasets.metrics import Spec

FLAGS = ("metrics", "--days", "3", "--logs-per-day", "500", "--output-dir")


def made(folder: Path, *flags: str) -> dict[str, bytes]:
    """What the command left in a folder."""
    said = CliRunner().invoke(files, [*FLAGS, str(folder), *flags], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_seed_gives_the_same_bytes_whatever_the_threads_and_batches(tmp_path: Path) -> None:
    """Who repeats a run elsewhere has the same input."""
    one = made(tmp_path / "a", "--threads", "1", "--batch-size", "500")
    assert made(tmp_path / "b", "--threads", "3", "--batch-size", "37") == one


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    """The seed counts."""
    one = made(tmp_path / "a", "--seed", "1")
    assert made(tmp_path / "b", "--seed", "2").values() != one.values()


def test_a_day_is_as_described(tmp_path: Path) -> None:
    """A file a day, rows in the order of time, of that day, with nine whole numbers each."""
    made(tmp_path)
    with (tmp_path / "2025-01-02.log.csv").open(newline="") as text:
        rows = list(csv.reader(text))

    times = [row[0] for row in rows]
    assert len(rows) == 500
    assert times == sorted(times)
    assert {time[:10] for time in times} == {"2025-01-02"}
    assert all(len(row) == 12 and all(map(str.isdecimal, row[3:])) for row in rows)


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    """A file that is there is not written again, unless forced."""
    before = made(tmp_path)
    (tmp_path / "2025-01-01.log.csv").write_bytes(b"mine")
    (tmp_path / "2025-01-03.log.csv").unlink()

    assert made(tmp_path) == {**before, "2025-01-01.log.csv": b"mine"}
    assert made(tmp_path, "--force") == before


def test_a_folder_of_another_order_is_refused(tmp_path: Path) -> None:
    """Days of two seeds are never mixed without being told."""
    made(tmp_path)
    with pytest.raises(SettingsError, match="other flags"):
        make.prepare(tmp_path, Spec(9, date(2025, 1, 1), 3, 500).facts())


def test_a_failed_file_leaves_nothing(tmp_path: Path) -> None:
    """What is not whole has no name."""

    def fail(part: Path) -> int:
        part.write_text("half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        make.whole(tmp_path / "day.csv", fail)
    assert list(tmp_path.iterdir()) == []
