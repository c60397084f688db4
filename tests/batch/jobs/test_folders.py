"""Results of several folders are replaced as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.jobs.folders import LATEST, RUNS, replaced
from lakehouse.errors import CheckpointError, SettingsError

PARTS = ("metrics", "anomalies")


def put(folder: Path, text: str, parts: tuple[str, ...] = PARTS) -> None:
    """Write a result: a file with a text in each part."""
    with replaced(folder, PARTS, "the job") as draft:
        for part in parts:
            (draft / part).mkdir()
            (draft / part / "file").write_text(text)
        if parts != PARTS:
            raise KeyError("a part failed")


def shown(folder: Path) -> list[str]:
    """What a reader finds."""
    return [(folder / part / "file").read_text() for part in PARTS if (folder / part).exists()]


def test_a_new_result_takes_the_place_of_the_old(tmp_path: Path) -> None:
    """All of its parts; the one before is kept for whoever reads it, older ones are not."""
    for text in ("first", "second", "third"):
        put(tmp_path / "out", text)
    kept = [run for run in (tmp_path / "out" / RUNS).iterdir() if run.is_dir()]
    assert shown(tmp_path / "out") == ["third", "third"]
    assert len(kept) == 2


def test_one_that_fails_leaves_the_old(tmp_path: Path) -> None:
    """Also where a part of it was written already; nothing at all, where it was the first."""
    for first in ([], ["old", "old"]):
        if first:
            put(tmp_path / "out", "old")
        with pytest.raises(KeyError):
            put(tmp_path / "out", "new", PARTS[:1])
        assert shown(tmp_path / "out") == first


def test_a_killed_run_leaves_no_trace(tmp_path: Path) -> None:
    """What it had begun is deleted by the next one; what it showed is still shown."""
    out = tmp_path / "out"
    put(out, "old")
    (out / RUNS / "20250101T000000-killed" / "metrics").mkdir(parents=True)
    (out / RUNS / "link-killed").symlink_to("nowhere")
    put(out, "new")
    assert shown(out) == ["new", "new"]
    assert not [left for left in (out / RUNS).iterdir() if "killed" in left.name]


def test_one_rename_shows_all(tmp_path: Path) -> None:
    """Each part is a link through the one that is turned."""
    put(tmp_path, "x")
    assert {str((tmp_path / part).readlink()) for part in PARTS} == {f"{LATEST}/{p}" for p in PARTS}
    assert str((tmp_path / LATEST).readlink()).startswith(f"{RUNS}/")


def test_what_is_no_result_stays(tmp_path: Path) -> None:
    """A folder that has the name of a part is not touched."""
    (tmp_path / "metrics").mkdir()
    with pytest.raises(SettingsError, match="no result of this command"):
        put(tmp_path, "x")
    assert [one.name for one in tmp_path.iterdir()] == ["metrics"]


def test_two_do_not_write_at_once(tmp_path: Path) -> None:
    """The second is told so."""
    with (
        replaced(tmp_path, PARTS, "the job"),
        pytest.raises(CheckpointError, match="the job runs already"),
    ):
        put(tmp_path, "x")
