"""What log text says never commands a terminal: each command, on a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.lakes import Lake
from support.windows import Pond, at, logged

pytestmark = pytest.mark.slow
TEXTS = (
    "endpoint",
    "service",
    "path",
    "user",
    "app",
    "user_agent",
    "ip",
    "event_id",
    "method",
    "level",
)
HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[1;1H",
    "\x9b31m",
    "\u202egpj.exe",
    "a\rb\nc\x08\x7f",
    "[bold red]x[/]",
    "\x1b[8mhidden",
    "\u2066\u200b\ufeff",
    "\x0e\x0f\x1bc",
]
# What our own tables and lines set, and how a terminal ends a line.
OWN = re.compile(r"\x1b\[[0-9;]*m|\r\n")
COMMANDS = (
    ("tail", "--no-follow", "--lines", "1000"),
    ("tail", "--no-follow", "--lines", "1000", "--format", "json"),
    ("report", "top-errors", "--limit", "1000"),
    ("report", "slowest", "--format", "csv", "--limit", "1000"),
    ("report", "users", "--format", "json"),
    ("sql", "SELECT * EXCLUDE (_topic) FROM logs"),
    ("diff", "traffic", "0", "1"),
)


def pond_of(lake: Lake, texts: Sequence[str]) -> Lake:
    """A lake in which every text of every row is one of these."""
    pond = Pond(lake)
    columns = {name: [*texts] for name in TEXTS}
    pond.arrive(logged([at(1)] * len(texts), status_code=500, response_time=1.0, **columns))
    pond.close(at(60))
    return lake


def on_a_terminal(lake: Lake, *words: str) -> str:
    """All that a command writes to a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cli", *words, "--lake", lake.places.lake]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "120"}
    ):
        os.close(theirs)
        return b"".join(iter(lambda: _read(ours), b"")).decode(errors="strict")


def _read(end: int) -> bytes:
    """The next bytes; none once the other end is closed."""
    try:
        return os.read(end, 65_536)
    except OSError:
        return b""


def unsafe(said: str) -> set[str]:
    """The characters in it that are not to be shown, but for our own."""
    return {char for char in OWN.sub("", said) if not (char.isprintable() or char == "\u3000")}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_commands_the_terminal(lake: Lake, words: tuple[str, ...]) -> None:
    """Whatever stands in whichever field; what was there can still be read."""
    said = on_a_terminal(pond_of(lake, HOSTILE), *words)
    assert unsafe(said) == set()
    assert "hidden" in said or words[0] in ("diff", "report")


@pytest.mark.parametrize("words", COMMANDS[:4], ids=" ".join)
def test_naughty_strings_do_not_either(
    lake: Lake, shared_data: Path, words: tuple[str, ...]
) -> None:
    """The big list of them, in every field."""
    found = (shared_data / "hostile" / "big_list_of_naughty_strings.json").read_text()
    texts = [text for text in json.loads(found) if text]
    assert {*unsafe(on_a_terminal(pond_of(lake, texts), *words))} & CONTROLS == set()


CONTROLS = {
    chr(code)
    for code in (
        *range(32),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        0x200E,
        0x200F,
        0x061C,
    )
}
