"""Whatever lies in a lake: each command ends in an answer or in words, never in a stack trace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.lakes import Lake

from lakehouse.errors import LogpondError
from lakehouse.terminal.commands import Program
from lakehouse.terminal.program import _known

pytestmark = pytest.mark.slow

NOWHERE = "127.0.0.1:1"
COMMANDS = [
    ("tables",),
    ("status", "--bootstrap", NOWHERE),
    ("verify",),
    ("history", "logs"),
    ("sql", "SELECT COUNT(*) FROM logs"),
    ("sql", "SHOW TABLES"),
    ("upkeep",),
    ("anomalies",),
    ("report", "hourly"),
    ("tail", "--no-follow"),
    ("detail",),
    ("diff", "logs", "0", "1"),
    ("alerts",),
    ("mute", "shop", "--for", "1h"),
    ("optimize", "logs"),
    ("vacuum", "logs"),
    ("recover", "tables"),
    ("recover", "windows"),
    ("reconcile",),
    ("reset", "--yes", "--keep-topic"),
]


def cut(pattern: str) -> Callable[[Path], None]:
    """Leave the newest file of a pattern half."""

    def make(lake: Path) -> None:
        file = max(lake.glob(pattern))
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return make


def replaced(name: str) -> Callable[[Path], None]:
    """Put a file where a folder should be."""

    def make(lake: Path) -> None:
        shutil.rmtree(lake / name, ignore_errors=True)
        (lake / name).touch()

    return make


def newer_protocol(lake: Path) -> None:
    """A table of software that is ahead of us."""
    entry = lake / "other" / "_delta_log" / f"{0:020d}.json"
    entry.parent.mkdir(parents=True)
    entry.write_text(json.dumps({"protocol": {"minReaderVersion": 9, "minWriterVersion": 9}}))


def linked(lake: Path) -> None:
    """A table on another disk."""
    shutil.move(lake / "logs", lake.parent / "disk")
    (lake / "logs").symlink_to(lake.parent / "disk")


def no_utf8(lake: Path) -> None:
    """A copy under a name that is no text."""
    shutil.copytree(lake / "logs", lake / "caf\udce9")


STRANGERS: dict[str, Callable[[Path], None]] = {
    "a copy": lambda lake: shutil.copytree(lake / "logs", lake / "logs backup") and None,
    "no utf-8": no_utf8,
    "an empty log": lambda lake: (lake / "other" / "_delta_log").mkdir(parents=True),
    "newer": newer_protocol,
    "linked": linked,
    "a file manager's": lambda lake: (lake / "logs" / "_delta_log" / ".DS_Store").touch(),
}
DAMAGE = {
    "a log entry": cut("logs/_delta_log/*.json"),
    "a data file": cut("logs/date=*/hour=*/*.parquet"),
    "offsets": cut("_checkpoints/ingest/offsets/*"),
    "a manifest": cut("_checkpoints/ingest.ledger/manifest.json"),
    **{name: replaced(name) for name in ("traffic", "_checkpoints", "_state", "_raw")},
    "a file": lambda lake: shutil.rmtree(lake) or lake.touch(),
    "gone": lambda lake: shutil.rmtree(lake),
}


@pytest.fixture
def odd(running: Lake, request: pytest.FixtureRequest) -> str:
    """A lake with something odd in it."""
    request.param(Path(running.places.lake))
    return running.places.lake


@pytest.mark.slow
@pytest.mark.parametrize("odd", [*STRANGERS.values(), *DAMAGE.values()], indirect=True)
def test_no_command_ends_in_a_stack_trace(odd: str) -> None:
    """An exit code of ours, 0 to 5, from each."""
    for words in COMMANDS:
        done = CliRunner().invoke(Program("logpond"), [*words, "--lake", odd])
        error = done.exception
        assert error is None or isinstance(error, SystemExit) or _known(error), words


@pytest.mark.parametrize("odd", STRANGERS.values(), indirect=True)
@pytest.mark.parametrize("words", [COMMANDS[0], COMMANDS[2], COMMANDS[3], COMMANDS[4]])
def test_what_others_put_there_stops_nothing(odd: str, words: tuple[str, ...]) -> None:
    """Our tables are answered for all the same."""
    done = CliRunner().invoke(Program("logpond"), [*words, "--lake", odd])
    assert (done.exit_code, done.exception) == (0, None)


@pytest.mark.parametrize("folder", ["p%20q", "back\\slash"])
def test_a_folder_that_engines_misread_is_refused(tmp_path: Path, folder: str) -> None:
    """Before anything is written, with the name of what to do."""
    done = CliRunner().invoke(Program("logpond"), ["tables", "--lake", str(tmp_path / folder)])
    assert isinstance(done.exception, LogpondError)
    assert "--lake" in done.exception.remedy
    assert not any(tmp_path.iterdir())


def test_reset_empties_what_a_link_leads_to(running: Lake) -> None:
    """And leaves the link, which somebody made on purpose."""
    lake = Path(running.places.lake)
    linked(lake)

    done = CliRunner().invoke(
        Program("logpond"), ["reset", "--yes", "--keep-topic", "--lake", str(lake)]
    )

    assert done.exit_code == 0
    assert (lake / "logs").is_symlink()
    assert not any((lake.parent / "disk").iterdir())
