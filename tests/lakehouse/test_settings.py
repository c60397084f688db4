"""Settings: the file says what the code does without it."""

from __future__ import annotations

import tomllib
from itertools import pairwise

from lakehouse.settings import CONF, Settings


def test_the_file_has_every_setting_with_its_default() -> None:
    """Whoever reads conf/logpond.toml knows them all, and what they are."""
    said = tomllib.loads((CONF / "logpond.toml").read_text())
    defaults = {
        name: field.default
        if not hasattr(field.default, "model_dump")
        else field.default.model_dump(mode="json")
        for name, field in Settings.model_fields.items()
    }
    assert said == defaults


def test_every_setting_is_explained() -> None:
    """A comment stands above each, or above the group that it begins."""
    lines = (CONF / "logpond.toml").read_text().splitlines()
    for above, line in pairwise(lines):
        if line and not line.startswith(("#", "[")):
            assert above, f"{line} stands alone"
