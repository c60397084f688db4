"""What docs/tables.md shows is run, in its order, and read as settings."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest
from click.testing import CliRunner
from support.lakes import Lake, events

from cli.__main__ import logpond
from lakehouse.retention_settings import Retention
from lakehouse.settings import CONF

TEXT = (CONF.parent / "docs" / "tables.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.slow
def test_its_commands_do_what_they_say(lake: Lake) -> None:
    """`retain` without a rule says where rules stand; the status of a lake at rest is 1."""
    lake.put(events(range(3)))
    env = {"LOGPOND_LAKE": lake.places.lake, "LOGPOND_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    env["LOGPOND_RETENTION_SERVICES"] = '{"debug": 7}'
    assert len(COMMANDS) > 6
    for command in COMMANDS:
        done = CliRunner(env=env).invoke(logpond, shlex.split(command)[1:])
        assert done.exit_code == (1 if "status" in command else 0), (command, done.output)


def test_its_rules_are_settings() -> None:
    """The block of TOML is a section as the settings know it."""
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert Retention(**tomllib.loads(block)["retention"]).services["audit"] == 365
