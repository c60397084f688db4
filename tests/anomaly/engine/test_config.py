"""The constants of detection: one file, strict, with a hash."""

from __future__ import annotations

import pytest

from anomaly.engine.config import Config, parse
from lakehouse.errors import SettingsError
from lakehouse.settings import CONF
from lakehouse.toml_file import documented, render

SHIPPED = (CONF / "anomaly.toml").read_text()


def test_the_file_is_made_from_the_code() -> None:
    """Each default stands once: `make conf` writes it down with what it leads to."""
    assert render(Config()) == SHIPPED


def test_the_shipped_file_says_the_defaults() -> None:
    """Read back, it changes nothing."""
    assert parse(SHIPPED) == Config()


@pytest.mark.parametrize("section", Config.__struct_fields__)
def test_every_constant_says_what_it_leads_to(section: str) -> None:
    """In a docstring under it, which is its comment in the file."""
    docs = documented(type(getattr(Config(), section)))
    assert [name for name, doc in docs.items() if not doc] == []


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
