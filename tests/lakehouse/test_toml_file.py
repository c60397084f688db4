"""What is written as TOML is read back as it was."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.terminal.render import escaped
from lakehouse.toml_file import key, toml

TEXT = st.text() | st.text('\x7f\x80\x00"\\\n\N{GRINNING FACE}\u202e\ufeff.a-')
PLAIN = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_a_value_is_read_back(values: dict[str, Any]) -> None:
    """Whatever its keys and texts are; a terminal has nothing to escape in it."""
    written = "".join(f"{key(name)} = {toml(value)}\n" for name, value in values.items())
    assert tomllib.loads(written) == values
    assert escaped(written, keep="\n") == written


def test_half_a_character_is_none() -> None:
    """TOML has no way to write it."""
    assert tomllib.loads(f"a = {toml(chr(0xD83D))}") == {"a": "\N{REPLACEMENT CHARACTER}"}
