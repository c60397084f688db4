"""`logpond erase` asks first, and says what is left and what lies outside."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result
from support.code import ROOT
from support.lakes import Lake
from support.personal import IP, USER, holding, inhabited

from cli.__main__ import logpond
from lakehouse.errors import SettingsError

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "privacy.md").read_text()
SHOWN = re.findall(r"^    logpond (erase .*)$", PAGE, re.MULTILINE)


def run(lake: Lake, *words: str) -> Result:
    """As it is called, with nobody there to answer."""
    env = {"LOGPOND_LAKE": lake.places.lake}
    return CliRunner(env=env).invoke(logpond, ["erase", *words])


def test_nobody_there_is_asked(lake: Lake) -> None:
    """What is there is shown, and nothing is changed."""
    inhabited(lake)
    asked = run(lake, "--user", USER)
    assert isinstance(asked.exception, SettingsError)
    assert "rows whose user or ip it is" in asked.output
    assert holding(lake.places)


def test_it_says_what_lies_outside(lake: Lake) -> None:
    """And, as JSON, place by place what was erased."""
    inhabited(lake)
    dry = json.loads(run(lake, "--ip", IP, "--dry-run", "--format", "json").stdout)
    done = run(lake, "--user", USER, "--ip", IP, "--yes")
    assert {"place", "count", "what"} == {*dry[0]}
    assert (done.exit_code, holding(lake.places)) == (0, [])
    assert "nothing of it is left\noutside this lake" in done.output
    assert run(lake, "--user", USER, "--dry-run").output == "nothing of it is there\n"


@pytest.mark.parametrize("line", SHOWN)
def test_what_the_page_shows_can_be_run(lake: Lake, line: str) -> None:
    """On a lake that knows nobody of that name."""
    inhabited(lake)
    assert run(lake, *line.split()[1:]).exit_code == 0
    assert len(SHOWN) == 2
