"""Results: under a free name, whole or not at all."""

from pathlib import Path

import pytest

from batch.jobs import results
from lakehouse.errors import SettingsError


def test_a_free_name_is_counted_up(tmp_path: Path) -> None:
    """`result.csv`, then `result_1.csv`, then the next."""
    for name in ("result.csv", "result_1.csv"):
        (tmp_path / name).touch()
    assert results.free_name(tmp_path / "result.csv").name == "result_2.csv"
    assert results.free_name(tmp_path / "other.csv").name == "other.csv"


def test_jobs_that_end_at_once_have_names_of_their_own(tmp_path: Path) -> None:
    """None takes the result of the other, although both began when the name was free."""
    with results.new(tmp_path / "r.csv") as first, results.new(tmp_path / "r.csv") as second:
        first.file.write_text("first")
        second.file.write_text("second")

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "r.csv": "second",
        "r_1.csv": "first",
    }
    assert (first.path.name, second.path.name) == ("r_1.csv", "r.csv")


def test_a_failed_job_leaves_what_was_there(tmp_path: Path) -> None:
    """Neither half a result, nor a lost old one."""
    (tmp_path / "r.csv").write_text("old")
    with pytest.raises(FileNotFoundError), results.replaced(tmp_path / "r.csv") as file:
        file.write_text((tmp_path / "input").read_text())

    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"r.csv": "old"}


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    """In words, with the path."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file"
    with pytest.raises(SettingsError, match="cannot be written"), results.new(folder / "r.csv"):
        pass
