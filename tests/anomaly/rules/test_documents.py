"""docs/rules.md says what rules are; what it shows fits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from anomaly.rules.folder import the_rules_of
from anomaly.rules.rule import RuleTable, kinds_of_conditions, parsed
from cli.__main__ import logpond
from lakehouse.settings import CONF

TEXT = (CONF.parent / "docs" / "rules.md").read_text()
TABLES = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("table", TABLES)
def test_what_is_shown_is_a_rule(tmp_path: Path, table: str) -> None:
    """Each block of TOML is a file of rules."""
    file = tmp_path / "shown.toml"
    file.write_text(table)
    assert the_rules_of(file)


def test_each_kind_and_key_is_there() -> None:
    """Examples of all kinds, and all keys of a table."""
    shown = {type(parsed(when)[0]) for when in re.findall(r"^\| `([^`]* in [^`]*)`", TEXT, re.M)}
    assert shown == {*kinds_of_conditions().values()}
    assert {*re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)} == {*RuleTable.model_fields}


def test_each_command_is_there() -> None:
    """`logpond rule X` that is shown has help."""
    for command in {*re.findall(r"logpond rule (\w+)", TEXT)}:
        answer = CliRunner().invoke(logpond, ["rule", command, "--help"])
        assert answer.exit_code == 0, command
