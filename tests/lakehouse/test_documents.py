"""What docs/tables.md shows is run, in its order."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner
from support.lakes import Lake, events

from cli.__main__ import logpond
from lakehouse.settings import CONF

TEXT = (CONF.parent / "docs" / "tables.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.slow
def test_its_commands_do_what_they_say(lake: Lake) -> None:
    """On a lake with one commit."""
    lake.put(events(range(3)))
    env = {"LOGPOND_LAKE": lake.places.lake, "LOGPOND_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    assert len(COMMANDS) > 5
    for command in COMMANDS:
        done = CliRunner(env=env).invoke(logpond, shlex.split(command)[1:])
        assert done.exit_code == 0, (command, done.output)
