"""Packed files in bounded memory: members, what stands behind them, and what was made to burst."""

from __future__ import annotations

import gzip
import io
from contextlib import nullcontext
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.event.budgets import BUDGETS, Budgets
from lakehouse.event.textfile import LONGEST_LINE, lines
from lakehouse.event.unpacked import Unpacked

TEXT = b"one\ntwo\n"


def read(tmp_path: Path, content: bytes) -> tuple[list[bytes], list[str]]:
    """The lines of a file, and what it warned of."""
    (tmp_path / "file").write_bytes(content)
    warnings: list[str] = []
    return [*lines(tmp_path / "file", warnings.append)], warnings


@pytest.mark.parametrize(
    ("behind", "warns"),
    [
        (b"", False),
        (b"\x00" * 512, False),
        (b"garbage", True),
        (gzip.compress(b"", mtime=0), False),
    ],
    ids=["nothing", "zeros", "garbage", "another"],
)
def test_what_stands_behind_a_gzip(tmp_path: Path, behind: bytes, warns: bool) -> None:
    """Another member and zeros are usual, other bytes are left out with a warning."""
    found, warnings = read(tmp_path, gzip.compress(TEXT) + behind)
    assert (found, bool(warnings)) == ([b"one", b"two"], warns)


def test_members_are_one_text(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes them."""
    assert read(tmp_path, gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]))[0] == [b"one", b"two"]


@pytest.mark.parametrize("cut", [1, 9, 15])
def test_a_gzip_that_breaks_off_is_refused(tmp_path: Path, cut: int) -> None:
    """In words, once its end is reached."""
    with pytest.raises(SettingsError, match="cannot be read to its end"):
        read(tmp_path, gzip.compress(TEXT * 99)[:-cut])


@pytest.mark.slow
def test_a_gzip_made_to_burst_is_refused(tmp_path: Path) -> None:
    """No log packs to so little; it is never held as a whole."""
    with pytest.raises(SettingsError, match=f"more than {BUDGETS.unpacked_ratio} times its size"):
        read(tmp_path, gzip.compress(b"\n" * (BUDGETS.unpacked_at_any_ratio + (1 << 20))))


@pytest.mark.parametrize(("most", "is_read"), [(800, True), (799, False)])
def test_a_gzip_of_more_than_its_budget_is_refused(most: int, is_read: bool) -> None:
    """Whatever its ratio."""
    packed = Unpacked(io.BytesIO(gzip.compress(TEXT * 100)), budgets=Budgets(unpacked=most))
    with nullcontext() if is_read else pytest.raises(OSError, match="split it"):
        assert len(packed.read()) == most


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    """It costs no other line, and no more memory than others."""
    found, warnings = read(tmp_path, b"a\n" + b"x" * (LONGEST_LINE + 9) + b"\nb\n")
    assert [len(line) for line in found] == [1, LONGEST_LINE, 1]
    assert warnings == [f"line 2 is longer than {LONGEST_LINE >> 20} MB, and was cut"]
