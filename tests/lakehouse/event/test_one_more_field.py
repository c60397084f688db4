"""An event field is one line: what it says of itself is all that any room has to know."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from support import field_child

pytestmark = pytest.mark.slow

LINES = (
    'more_text: str | None = optional("where it ran", otel="cloud.region")',
    'more_count: int | None = optional("attempts before it", ge=0)',
    'more_load: float | None = optional("load of the machine")',
    'more_yes: bool | None = optional("whether a cache answered")',
)
GIVEN = {"more_text": "x-1", "more_count": 7, "more_load": 2.5, "more_yes": True}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each step found of an event whose class has one more line for each type."""
    words = [sys.executable, field_child.__file__, str(tmp_path_factory.mktemp("field")), *LINES]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@pytest.mark.slow
def test_the_producer_sends_it_and_decoding_takes_it(found: dict[str, Any]) -> None:
    """The value is in the message, and comes out of it."""
    assert found["message"] == GIVEN
    assert found["decoded"] == [GIVEN]


def test_the_tables_have_it(found: dict[str, Any]) -> None:
    """Each type becomes that of Delta, and Spark sees the column."""
    assert found["columns"] == ["string", "int64", "double", "bool"]
    assert found["spark"] == [*GIVEN]


def test_files_with_it_are_discovered_and_imported(found: dict[str, Any]) -> None:
    """A column of its name is proposed for it, in CSV and in NDJSON, and its values come in."""
    assert found["proposed"] == [{name: name for name in GIVEN}] * 2
    assert all(name in found["discovered"] for name in GIVEN)
    assert found["imported"] == ["imported", "imported"]
    assert found["sql"] == [GIVEN] * 6


def test_the_page_shows_it(found: dict[str, Any]) -> None:
    """A row of Explore has it, as data and for people."""
    assert {name: found["api"][name] for name in GIVEN} == GIVEN
    assert all(f"<dt>{name}</dt>" in found["page"] for name in GIVEN)
