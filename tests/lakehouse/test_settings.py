"""Settings: the file says what the code does without it."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.settings import CONF, Settings, load


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


def test_a_section_that_was_removed_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settings file of before still says what to do, in one line."""
    (tmp_path / "old.toml").write_text('[watch_time]\ninput = "data/views"\nworkers = 2\n')
    monkeypatch.setenv("LOGPOND_CONF", str(tmp_path / "old.toml"))

    with pytest.raises(SettingsError) as refused:
        load()

    assert refused.value.what.splitlines()[1:] == [
        "    watch_time: is no section any more: its settings are flags of `logpond watch-time`"
    ]
