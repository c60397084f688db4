"""What passes between a job and executors elsewhere, and what stays of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.jobs.exchange import LOCAL, copied, fetch, opened
from lakehouse.settings import Settings

CLUSTER = {"master": "spark://nowhere:7077"}


def settings(lake: str, **spark: str) -> Settings:
    """Settings of a lake, and of Spark."""
    return Settings.model_validate({"lake": lake, "spark": spark})


@pytest.mark.parametrize("spark", [{}, CLUSTER], ids=["here", "on a cluster"])
def test_a_lake_in_a_folder_is_seen_by_all(tmp_path: Path, spark: dict[str, str]) -> None:
    """Nothing is copied, and nothing is made in it."""
    with opened(settings(f"{tmp_path}/lake", **spark), "job") as exchange:
        assert exchange == LOCAL
        assert exchange.given(tmp_path / "file") == str(tmp_path / "file")
    assert not (tmp_path / "lake").exists()


def test_copies_are_there_meanwhile(tmp_path: Path) -> None:
    """A file has its bytes and the end of its name there; when the run ends, it is gone."""
    file = tmp_path / "a log.json.gz"
    file.write_bytes(b"bytes")
    with opened(settings(f"file://{tmp_path}/lake", **CLUSTER), "job") as exchange:
        given = exchange.given(file)
        with copied(given) as here:
            assert (here.read_bytes(), here.suffixes) == (b"bytes", [".json", ".gz"])
        assert not here.exists()
        fetch(exchange.place, tmp_path / "fetched")
    assert [one.read_bytes() for one in tmp_path.glob("fetched/given/*")] == [b"bytes"]
    assert not [*(tmp_path / "lake").rglob("*.gz")]


def test_what_a_killed_run_left_is_deleted_by_a_later_one(tmp_path: Path) -> None:
    """After a week; what is younger may be at work."""
    root = tmp_path / "lake" / "_scratch" / "job"
    for run in ("20200101T000000-dead", "29990101T000000-busy"):
        (root / run).mkdir(parents=True)
        (root / run / "file").write_text("")
    with opened(settings(f"file://{tmp_path}/lake", **CLUSTER), "job"):
        pass
    assert [*root.glob("*/file")] == [root / "29990101T000000-busy" / "file"]
