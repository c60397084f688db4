"""A lake is written as it is kept; what a command makes for its user, as the user has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.runtime import rights
from lakehouse.runtime.rights import Access


@pytest.fixture(autouse=True)
def umask(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That of a careless user; back to what it was after the test."""
    monkeypatch.setattr(rights, "_umasks", {})
    before = os.umask(0o002)
    yield
    os.umask(before)


def made(tmp_path: Path, mode: int, inner: int) -> Path:
    """A lake with a table, of these modes."""
    lake = tmp_path / "lake"
    (lake / "logs").mkdir(parents=True)
    (lake / "logs").chmod(inner)
    lake.chmod(mode)
    return lake


def written(lake: Path, name: str) -> int:
    """The mode of a new file."""
    (lake / name).write_text("")
    return (lake / name).stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("mode", "inner", "access", "file"),
    [
        (0o700, 0o700, "owner", 0o600),
        (0o755, 0o700, "owner", 0o600),
        (0o700, 0o700, "group", 0o600),
        (0o750, 0o750, "owner", 0o640),
        (0o770, 0o770, "owner", 0o660),
        (0o755, 0o755, "owner", 0o664),
    ],
)
def test_a_lake_stays_as_it_is(
    mode: int, inner: int, access: Access, file: int, tmp_path: Path
) -> None:
    """Shut to others it stays shut, open it is written by the user's umask as ever."""
    lake = made(tmp_path, mode, inner)
    rights.keep(str(lake), access)

    assert written(lake, "new") == file


@pytest.mark.parametrize(("access", "file"), [("owner", 0o600), ("group", 0o640)])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_new_lake_is_as_the_setting_says(
    access: Access, file: int, is_there: bool, tmp_path: Path
) -> None:
    """Also in an empty folder that somebody made for it, however open; and the second time."""
    lake = tmp_path / "lake"
    if is_there:
        lake.mkdir()
        lake.chmod(0o777)
    rights.keep(str(lake), access)
    (lake / "logs").mkdir(parents=True)
    os.umask(0o002)
    rights.keep(str(lake), access)

    assert written(lake, "new") == file


def test_the_group_of_a_folder_is_inherited(tmp_path: Path) -> None:
    """A folder made for a group, with its bit set, gives it to all that is made in it."""
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(0o2750)
    rights.keep(str(lake), "group")
    (lake / "logs").mkdir()

    assert oct((lake / "logs").stat().st_mode & 0o7777) == oct(0o2750)


def test_what_is_made_for_the_user_is_as_usual(tmp_path: Path) -> None:
    """While the lake stays its owner's, in one process."""
    lake = made(tmp_path, 0o700, 0o700)
    rights.keep(str(lake), "owner")
    with rights.as_user():
        assert written(tmp_path, "picture.png") == 0o664
        with rights.as_lake():
            assert written(lake, "log") == 0o600

    assert written(lake, "new") == 0o600


def test_a_closed_folder_above_closes_all(tmp_path: Path) -> None:
    """Nobody gets past it to a lake that is open."""
    lake = made(tmp_path / "home", 0o755, 0o755)
    (tmp_path / "home").chmod(0o700)

    assert rights.modes(lake) == 0o055
    assert rights.reachable(lake) == 0
