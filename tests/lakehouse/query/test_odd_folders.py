"""A lake below a folder whose name is a pattern, beside a copy that fits it, is read alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.asked import answer
from support.lakes import Lake

from lakehouse.proof.verify import verify

pytestmark = pytest.mark.slow

FOLDERS = [("a[1]", "a1"), ("a*", "ab"), ("a?", "ab"), ("a[[]", "a["), ("a[!b]", "ac")]


@pytest.mark.parametrize(("name", "other"), FOLDERS)
def test_a_folder_that_is_a_pattern_is_read_alone(tmp_path: Path, name: str, other: str) -> None:
    """By statements, which are confined to it, and by `verify`."""
    lake = Lake.at(tmp_path / name)
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    shutil.copytree(tmp_path / name, tmp_path / other)
    for file in (tmp_path / other).rglob("*.parquet"):
        file.write_bytes(b"of the copy")

    assert answer(lake, "SELECT COUNT(*) AS n FROM logs") == [{"n": 4}]
    assert (verify(lake.places).ok, verify(lake.places).records) == (True, 5)
