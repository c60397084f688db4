"""What README.md and ARCHITECTURE.md say is there, is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from support.code import FILES, ROOMS, ROOT, name

from cli.__main__ import logpond

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
FORM = """
The block of code under `## Rooms` begins a room at the start of a line (`lakehouse/`), and names
each folder of it, to the second level, by its name and a slash (`event/`) in a line of that room.
"""


def blocks() -> list[str]:
    """The lines of the README's blocks of code."""
    found = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line.strip().removeprefix("$ ") for block in found for line in block.splitlines()]


def commands() -> list[str]:
    """The commands that README names, in its blocks or `so` within a line."""
    code = [*blocks(), *re.findall(r"`([^`\n]+)`", README)]
    return sorted({c for line in code for c in re.findall(r"\blogpond ([a-z][a-z-]+)", line)})


@pytest.mark.parametrize("command", commands())
def test_every_documented_command_has_help(command: str) -> None:
    """`logpond COMMAND --help` answers."""
    answer = CliRunner().invoke(logpond, [command, "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage:" in answer.output


def test_every_documented_target_exists_and_has_help() -> None:
    """What the README makes can be made, and `make help` lists it."""
    wanted = {t for line in blocks() for t in re.findall(r"^make ([a-z][a-z-]*)", line)}
    listed = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert wanted
    assert wanted <= listed


def rooms() -> Iterator[tuple[str, str]]:
    """Each room of ARCHITECTURE.md with the lines that describe it."""
    block = ARCHITECTURE.split("## Rooms", 1)[1].split("```")[1]
    return zip(*[iter(re.split(r"^(\w+)/", block, flags=re.MULTILINE)[1:])] * 2, strict=True)


def described(lines: str) -> set[str]:
    """The folders that the lines of a room name."""
    return set(re.findall(r"(?<![\w/.])(\w+)/(?![\w/])", lines))


def built(room: str) -> set[str]:
    """The folders of code that a room has."""
    below = (f.relative_to(ROOT / room) for f in FILES if name(f).startswith(f"{room}/"))
    return {file.parts[0] for file in below if len(file.parts) > 1}


@pytest.mark.parametrize("room", ROOMS)
def test_every_folder_of_code_is_described(room: str) -> None:
    """ARCHITECTURE.md names each folder to the second level, and none that is not there."""
    assert described(dict(rooms())[room]) == built(room), FORM


def test_every_file_that_is_described_exists() -> None:
    """A path or a name that ends in `.py` is that of a file in its room."""
    missing = [
        f"{room}: {file}"
        for room, lines in rooms()
        for file in re.findall(r"[\w/]+\.py", lines)
        if not (ROOT / file).is_file() and not [*(ROOT / room).rglob(file)]
    ]
    assert missing == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_in_what_is_built(room: str) -> None:
    """In the package and in the image: a program that is missing there ends as it starts."""
    assert f"!{room}" in (ROOT / ".dockerignore").read_text().split()
    assert f'"{room}' in (ROOT / "pyproject.toml").read_text()
