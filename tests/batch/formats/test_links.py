"""Only regular files below what a person names are opened, and what takes their place is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.importing import csv_lines, written
from support.lakes import Lake
from support.records import LIMITS

from batch.formats.datasets import datasets
from batch.formats.paths import expand
from batch.formats.profile import profile
from batch.imports import run as runs
from batch.imports.load import Loader
from batch.imports.run import FAILED, FileResult, Run, Wanted
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import open_regular

SECRET = "secret-7f3a"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files; and outside of it, a folder with two more, which nobody named."""
    (tmp_path / "logs" / "a").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for name in ("1.csv", "2.csv"):
        written(tmp_path / "logs" / "a" / name, csv_lines(5, service=f"shop-{name[0]}"))
        written(tmp_path / "outside" / name, csv_lines(5, service=SECRET))
    return tmp_path / "logs"


def link_file(folder: Path) -> None:
    """Put a link in the place of a file."""
    (folder / "a" / "1.csv").unlink()
    (folder / "a" / "1.csv").symlink_to(folder.parent / "outside" / "1.csv")


def link_folder(folder: Path) -> None:
    """Put a link in the place of a folder."""
    (folder / "a").rename(folder / "b")
    (folder / "a").symlink_to(folder.parent / "outside")


def pipe(folder: Path) -> None:
    """Put a pipe, which nobody writes to, in the place of a file."""
    (folder / "a" / "1.csv").unlink()
    os.mkfifo(folder / "a" / "1.csv")


SWAPS = [link_file, link_folder, pipe]


def imported(lake: Lake, files: list[Path], first: Callable[[], object]) -> list[FileResult]:
    """Import files, of which `first` happens after they were found."""
    loader = Loader(lake.places, LIMITS)
    loader.open()
    first()
    return [*Run(loader, Wanted())(files)]


def holds_secret(lake: Lake) -> bool:
    """Whether any file of a lake has what stands outside."""
    files = (file for file in Path(lake.places.lake).rglob("*") if file.is_file())
    return any(SECRET.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize("named", ["{}", "{}/*/*.csv", "{}/**/*.csv", "{}/a", "{}/*"])
def test_links_and_pipes_below_a_folder_are_left_out(folder: Path, named: str) -> None:
    """And no pipe is waited for."""
    (folder / "a" / "3.csv").symlink_to(folder.parent / "outside" / "1.csv")
    (folder / "c").symlink_to(folder.parent / "outside")
    os.mkfifo(folder / "a" / "4.csv")
    assert [file.name for file in expand([named.format(folder)])] == ["1.csv", "2.csv"]


def test_a_link_that_is_named_is_followed(folder: Path, lake: Lake) -> None:
    """Once, to a file or a folder; it is known by where it leads to."""
    (folder / "latest").symlink_to("a/1.csv")
    (folder / "all").symlink_to("a")
    assert expand([folder / "latest"]) == [folder / "a" / "1.csv"]
    assert [file.parent.name for file in expand([folder / "all"])] == ["a", "a"]


@pytest.mark.parametrize("name", ["a/pipe", "/dev/null", "/dev/zero"])
def test_what_is_no_file_is_refused(folder: Path, name: str) -> None:
    """A pipe and a device, in words and at once."""
    os.mkfifo(folder / "a" / "pipe")
    with pytest.raises(SettingsError, match="no regular file"):
        expand([folder / name])
    with pytest.raises(OSError, match="no regular file"):
        open_regular(folder / name)


@pytest.mark.parametrize("swap", SWAPS)
def test_an_import_does_not_read_what_takes_a_files_place(
    folder: Path, lake: Lake, swap: Callable[[Path], None]
) -> None:
    """A link or a pipe, after the files were found: that file fails, in words."""
    results = imported(lake, expand([folder]), lambda: swap(folder))
    assert results[0].done == FAILED
    assert "regular" in results[0].reason or "link" in results[0].reason
    assert not holds_secret(lake)


@pytest.mark.parametrize("swap", SWAPS)
def test_discover_does_not_read_what_takes_a_files_place(
    folder: Path, swap: Callable[[Path], None]
) -> None:
    """Neither by Python nor by DuckDB."""
    (found,), _ = datasets(expand([folder]))
    swap(folder)
    with pytest.raises(SettingsError):
        profile(found)


def test_a_file_that_another_took_the_place_of_fails(
    folder: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its hash and its rows, though it weighs the same: no row is known by a wrong hash."""
    file, plain = folder / "a" / "1.csv", runs.sha256_of

    def swapped(path: Path) -> str:
        found = plain(path)
        (folder / "a" / "2.csv").replace(path)
        return found

    monkeypatch.setattr(runs, "sha256_of", swapped)
    (result,) = imported(lake, expand([file]), lambda: None)
    assert (result.done, "changed" in result.reason) == (FAILED, True)
    assert lake.count() == 0
