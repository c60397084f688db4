"""The constants of detection: one file, strict, with a hash."""

from __future__ import annotations

import pytest

from anomaly.engine.config import Config, parse
from lakehouse.errors import SettingsError
from lakehouse.settings import CONF

SHIPPED = (CONF / "anomaly.toml").read_text()


def test_the_shipped_file_says_the_defaults() -> None:
    """What it documents is what the code does without it."""
    assert parse(SHIPPED) == Config()


def test_every_constant_is_in_the_shipped_file() -> None:
    """Each with its name, so that nobody has to read the code."""
    names = {
        name
        for section in Config.__struct_fields__
        for name in getattr(Config(), section).__struct_fields__
    }

    assert {name for name in names if f"\n{name} = " not in SHIPPED} == set()


@pytest.mark.parametrize(
    "text",
    [
        "[traffic]\nspike_ration = 2",
        "traffic = 3",
        "[traffic",
        "[incidents]\nopen = 'x'",
        "[addresses]\nignore = ['300.1.2.3']",
    ],
)
def test_what_does_not_fit_is_told(text: str) -> None:
    """Unknown names, wrong types, no TOML, no network."""
    with pytest.raises(SettingsError, match="here"):
        parse(text, "here")


def test_the_hash_changes_with_any_constant() -> None:
    """And is the same for the same."""
    other = parse(SHIPPED.replace("spike_ratio = 1.3", "spike_ratio = 1.4"))

    assert parse(SHIPPED).hash == Config().hash != other.hash


def test_a_section_may_have_its_old_name() -> None:
    """What was called restless is burstiness."""
    assert parse("[restless]\nweight = 2.0") == parse("[burstiness]\nweight = 2.0") != Config()
